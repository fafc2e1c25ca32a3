/** A gateway without a cloud, whose staff signs in at its own pages; its locks do as they are told. Clock and disk are simulated. */
import assert from "node:assert/strict";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { GuardRules } from "../../gateway/domain/guard-rules.ts";
import { defaultOfflineMaxAgeMs, type Site } from "../../gateway/domain/site.ts";
import type { StaffMember } from "../../gateway/domain/staff.ts";
import { gatewayApp } from "../../gateway/http/app.tsx";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { CommandResult, Device } from "../../gateway/ports/device.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { QuestionLink } from "../../gateway/ports/question-link.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { KeptAttachments } from "../../gateway/storage/kept-attachments.ts";
import { rowSum } from "../../gateway/wire/feed.ts";
import { PasswordHasher } from "../../gateway/wire/password-hash.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { startLoneSite } from "./lone-site.ts";
import { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import { aPage, aSite, noon, siteRow } from "./site-fixture.ts";
import { statusSources } from "./status-sources.ts";

export const rosasPassword = "gate and garden 7";
const kept = await new PasswordHasher({ cost: { memoryKiB: 64, passes: 1 } }).hash(new SecretString(rosasPassword));
export const rosa: StaffMember = {
  id: "person-rosa",
  name: "Rosa Guard",
  userName: "rosa",
  role: "guard",
  password: kept,
};

export function anySite(overrides: Partial<Site> = {}): Site {
  return aSite({ offlineMaxAgeMs: { ...defaultOfflineMaxAgeMs, staff: null }, ...overrides });
}

export function staffRow(body: StaffMember, ver = 1): FeedRow {
  return { kind: "staff", id: body.id, ver, body, sum: rowSum({ kind: "staff", id: body.id, ver, body }) };
}

interface Request {
  readonly form?: Record<string, string>;
  readonly json?: unknown;
  readonly jpeg?: Uint8Array;
  readonly cookie?: string;
  readonly headers?: Record<string, string>;
  /** The caller's address; the machine itself when left out. */
  readonly from?: string;
}

/** A gateway that knows Rosa, with one door whose lock does as it is told. `disk`: goes on with what is on it. */
export async function aGate(
  overrides: Partial<Site> = {},
  disk = new SimDisk(),
  guards: GuardRules = { photo: "optional" },
  logger = silentLogger,
  questionLink?: QuestionLink,
) {
  const clock = new SimClock(noon);
  const heard: string[] = [];
  /** The lock answers a release once this is over, and with this. */
  const held: { release?: PromiseWithResolvers<void>; result?: CommandResult } = {};
  let site: RunningSite;
  const device: Device = {
    id: "lock",
    start: async () => undefined,
    stop: async () => undefined,
    status: () => ({ link: "online", since: 0 }),
    subscribe: () => () => undefined,
    lock: {
      relocks: "by-itself",
      release: async (): Promise<CommandResult> => {
        heard.push(`release, ${site.parts.journal.durableSeq} on the disk`);
        await held.release?.promise;
        return held.result ?? "confirmed";
      },
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "assumed" }),
    },
  };
  const accessPoints = [{ id: "front", name: "Front door", lock: "lock", readers: [], holdMs: 3_000 }];
  site = await startLoneSite({
    clock,
    devices: [device],
    accessPoints,
    disk: disk.mount(),
    logger,
    // As a failed disk ends a gateway: a test looks at what it still answers.
    onFailed: () => undefined,
  });
  let to = 0;
  const send = async (rows: readonly FeedRow[], more: { readonly complete?: boolean } = {}) => {
    to += 1;
    await site.parts.journal.record({ kind: "page", page: aPage(rows, { to, ...more }), at: noon }).durable;
  };
  await send([siteRow(anySite(overrides)), staffRow(rosa)]);
  const attachments = await KeptAttachments.open({ disk: disk.mount(), folder: "/data", bytesMax: 2 ** 23 });
  const sync = () => ({ state: "offline", queue: 0 }) as const;
  const app = gatewayApp(
    statusSources(site.parts, sync, { guards, attachments, ...(questionLink && { questionLink }) }),
  );
  const ask = async (method: string, path: string, { form, json, jpeg, cookie, headers, from }: Request = {}) => {
    const response = await app.request(
      path,
      {
        method,
        headers: {
          ...(form && { origin: "http://localhost", "content-type": "application/x-www-form-urlencoded" }),
          ...(json !== undefined && { "content-type": "application/json" }),
          ...(jpeg && { "content-type": "image/jpeg" }),
          ...(cookie !== undefined && { cookie }),
          ...headers,
        },
        ...(form && { body: new URLSearchParams(form) }),
        ...(json !== undefined && { body: JSON.stringify(json) }),
        ...(jpeg && { body: Buffer.from(jpeg) }),
      },
      from === undefined ? {} : { incoming: { socket: { remoteAddress: from } } },
    );
    const [set] = response.headers.getSetCookie();
    return {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
      cookie: set?.split(";", 1)[0],
    };
  };
  return {
    app,
    attachments,
    site: site.parts,
    ask,
    heard,
    held,
    send,
    snapshot: () => site.cache.snapshot(),
    pass: (ms: number) => {
      for (const end = clock.monotonic() + ms; clock.step(end); );
    },
    signIn: async (userName: string, password: string) => {
      const { status, cookie } = await ask("POST", "/sign-in", { form: { userName, password } });
      assert.equal(status, 303);
      return cookie ?? "";
    },
    /** What happened to the staff, or to what is named, oldest first, as the journal has it. */
    events: async (...types: string[]) => {
      await site.parts.journal.record({ kind: "tick", at: noon, syncedAt: null }).durable;
      const events = await recentEvents(site.parts.journal, 200);
      return events
        .filter(({ type }) => (types.length > 0 ? types.includes(type) : type.startsWith("staff-")))
        .reverse()
        .map(({ seq, at, clock: _, boot, mono, ...body }) => body);
    },
  };
}
