/** What the gateway says of itself: the status page, its JSON, the health checks and the metrics all read this. */
import type { z } from "@hono/zod-openapi";
import { type GatewayId, type GrantKind, grantKinds } from "../domain/grant.ts";
import type { GuardRules } from "../domain/guard-rules.ts";
import { guessBudget } from "../domain/guess-budget.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { SiteParts } from "../flows/site-parts.ts";
import type { Attachments } from "../ports/attachments.ts";
import type { QuestionLink } from "../ports/question-link.ts";
import type { statusSchema } from "./schemas.ts";

export type GatewayStatus = z.infer<typeof statusSchema>;

/** Why the cloud is not asked any more. Decisions go on from the records here for as long as those are honoured. */
export const endedWords = {
  revoked: "the cloud has revoked this gateway: enrol it anew, or take it out of service",
  fenced: "another gateway has taken this one's place: switch this one off, or enrol it anew",
} as const satisfies Partial<Record<GatewayStatus["sync"]["state"], string>>;

/** What the status needs beyond the site's parts. */
export interface StatusSources {
  readonly site: SiteParts;
  readonly guards: GuardRules;
  readonly attachments: Attachments;
  readonly questionLink: QuestionLink;
  readonly name: string;
  readonly version: string;
  /** The machine's own name, and those it is called by besides (hosts.ts). */
  readonly machine: string;
  readonly hosts: readonly string[];
  readonly startedAt: Monotonic;
  /** What phones and devices trust; PEM. */
  readonly caCertificate: string;
  /** Of the encrypted line; undefined: there is none. */
  readonly tlsPort: number | undefined;
  readonly drivers: ReadonlyMap<string, string>;
  sync(): Pick<GatewayStatus["sync"], "state" | "queue">;
  /** Counters of the broker, by name. */
  broker(): Readonly<Record<string, number>>;
  disk(): Promise<GatewayStatus["disk"]>;
  /** Whether another gateway could be seen on the LAN; undefined: it was not looked for yet. */
  peerReached(gateway: GatewayId): boolean | undefined;
  /** Since it was last seen there; undefined: not since the start. */
  peerSeenAgoMs(gateway: GatewayId): Millis | undefined;
}

export async function gatewayStatus(sources: StatusSources): Promise<GatewayStatus> {
  const { site } = sources;
  const { records, journal, clock, time, accessPoints, devices } = site;
  const { earliest, latest } = time.interval();
  const sinceSyncMs = time.sinceSyncMs();
  const { state, queue } = sources.sync();
  const now = clock.monotonic();
  const wrongPins = records.attempts.ofLastDay("pin", now);
  const wrongPasses = records.attempts.ofLastDay("pass", now);
  return {
    gateway: { id: records.gateway, name: sources.name },
    site: records.site
      ? { id: records.site.id, name: records.site.name, zone: records.site.zone, lockdown: records.site.lockdown }
      : null,
    version: sources.version,
    uptimeMs: Math.round(clock.monotonic() - sources.startedAt),
    clock: {
      trust: time.trust(),
      earliest: Math.round(earliest),
      latest: Number.isFinite(latest) ? Math.round(latest) : null,
    },
    sync: {
      state,
      lastSyncAgoMs: sinceSyncMs === null ? null : Math.round(sinceSyncMs),
      cursor: records.cursor,
      queue,
    },
    journal: { state: journal.state, durableSeq: journal.durableSeq },
    disk: await sources.disk(),
    records: { rows: records.size, suspect: records.suspect },
    wrongPins: {
      lastDay: wrongPins.count,
      keypads: wrongPins.readers,
      budget: guessBudget.pin.wrongADay,
      budgetSpent: wrongPins.isBudgetSpent,
    },
    wrongPasses: {
      lastDay: wrongPasses.count,
      scanners: wrongPasses.readers,
      budget: guessBudget.pass.wrongADay,
      budgetSpent: wrongPasses.isBudgetSpent,
    },
    offline: grantKinds.map((kind) => {
      const worksForMs = worksFor(site, kind);
      const worksUntil = worksForMs === null || worksForMs === 0 ? null : Math.round(earliest + worksForMs);
      return { kind, worksForMs, worksUntil };
    }),
    accessPoints: [...accessPoints.values()].map(({ id, name, lock }) => {
      const device = devices.get(lock);
      const { bolt, basis } = device?.lock?.state() ?? { bolt: "unknown", basis: "assumed" };
      const door = device?.status().door ?? "unknown";
      const lockedOutMs = Math.round(records.attempts.lockedOutMs("pin", id, now));
      const passesLockedOutMs = Math.round(records.attempts.lockedOutMs("pass", id, now));
      const heldOpenUntil = records.heldOpen(id)?.until ?? null;
      return { id, name, lock, bolt, basis, door, lockedOutMs, passesLockedOutMs, heldOpenUntil };
    }),
    devices: [...devices.values()].map((device) => {
      const status = device.status();
      const {
        link,
        since,
        firmware,
        battery,
        tamper,
        bootDoubted,
        attention = site.attentions.get(device.id),
      } = status;
      return {
        id: device.id,
        driver: sources.drivers.get(device.id) ?? "",
        link,
        since,
        ...(firmware !== undefined && { firmware }),
        ...(battery !== undefined && { battery }),
        ...(tamper !== undefined && { tamper }),
        ...(bootDoubted && { bootDoubted }),
        ...(attention !== undefined && { attention }),
      };
    }),
    peers: records
      .peers()
      .filter(({ id }) => id !== records.gateway)
      .map(({ id, name, lan }) => {
        const isOff = lan === undefined || site.peers.address === undefined;
        const seenAgoMs = sources.peerSeenAgoMs(id);
        return {
          id,
          name,
          lan: isOff ? ("off" as const) : seen(sources.peerReached(id)),
          seenAgoMs: seenAgoMs === undefined ? null : Math.round(seenAgoMs),
        };
      })
      .toArray(),
  };
}

/** For how much longer grants of a kind are admitted if the cloud is not heard again; null: until their own end. */
function worksFor({ records, time }: SiteParts, kind: GrantKind): Millis | null {
  if (!records.site || records.suspect || time.trust() === "unset") return 0;
  const maxAgeMs = records.site.offlineMaxAgeMs[kind];
  if (maxAgeMs === null) return null;
  return Math.max(0, Math.round((maxAgeMs ?? 0) - (time.sinceSyncMs() ?? Number.POSITIVE_INFINITY)));
}

function seen(reached: boolean | undefined): GatewayStatus["peers"][number]["lan"] {
  if (reached === undefined) return "not-tried";
  return reached ? "reachable" : "unreachable";
}
