/** What is known of a grant's codes: how far each has come in each lock, and whether it will open the door at a given moment. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { credentialKinds } from "../../gateway/domain/credential.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { byCode, codeEvidence, codeKey, type EvidenceEvent, evidenceTypes } from "../domain/code-evidence.ts";
import { entriesLeft, type RightsAccount } from "../domain/settle-rights.ts";
import { silentSince } from "../domain/silence.ts";
import { type Asked, answers, type Why, willOpen } from "../domain/will-open.ts";
import { listedOf } from "../store/blacklist.ts";
import { type ReportedDoor, readDoors } from "../store/doors.ts";
import { grantEvents } from "../store/events.ts";
import { type GatewayRow, listGateways } from "../store/gateways.ts";
import { readGrant, toGrant } from "../store/grants.ts";
import { readAccounts } from "../store/rights.ts";
import type { SiteRow } from "../store/sites.ts";
import { asks } from "./asks.ts";
import { requireSite } from "./requests.ts";
import {
  idText,
  iso,
  isoOrNull,
  json,
  moment,
  momentOrNull,
  notFound,
  problems,
  siteParams,
  toInstant,
} from "./shapes.ts";

const grantParams = siteParams.extend({ grant: idText.openapi({ example: "grant-7k3m9xw2pa3dq8fz" }) });

const codeSchema = z.object({
  lock: z.string(),
  state: z.enum(["unsent", "sent", "accepted", "refused", "unanswered", "confirmed", "cleared"]).openapi({
    description:
      "Only `confirmed` and `cleared` were read back from the lock; what it or its maker answered proves nothing.",
  }),
  sentAt: momentOrNull,
  acceptedAt: momentOrNull,
  confirmedAt: momentOrNull,
  clearedAt: momentOrNull,
  usedAt: momentOrNull,
  missing: z
    .object({ why: z.string().openapi({ example: "no-room" }), since: z.string() })
    .nullable()
    .openapi({ description: "Why it cannot be put there, since the gateway said so." }),
});

const evidenceSchema = z
  .object({
    grant: z.string(),
    at: z.string().openapi({ description: "The moment that `opens` is about." }),
    wantedAt: z.string().openapi({ description: "When the grant was made." }),
    codes: z.array(
      z.object({
        credential: z.string(),
        kind: z.enum(credentialKinds),
        accessPoint: z.string(),
        gateway: z.string().nullable(),
        opens: z.object({
          answer: z.enum(["yes", "no", "unknown"]),
          why: z.enum(Object.keys(answers) as [Why, ...Why[]]),
          words: z.string(),
        }),
        code: codeSchema.nullable().openapi({ description: "Of the code inside the lock; null: the lock keeps none." }),
      }),
    ),
  })
  .openapi("Evidence");

const evidence = createRoute({
  method: "get",
  path: "/api/sites/{site}/grants/{grant}/evidence",
  tags: ["Grants"],
  summary: "Will this code open that door at T?",
  description:
    "For each code and door of the grant: yes, no or unknown, with why, and how far a code that a lock keeps itself has come. Yes only where it is proven.",
  ...asks("grants.read"),
  request: {
    params: grantParams,
    query: z.strictObject({
      at: moment.optional().openapi({ description: "Now when left out." }),
      accessPoint: idText.optional().openapi({ description: "This one alone; it need not be of the grant." }),
    }),
  },
  responses: { 200: json(evidenceSchema, "What is known"), ...problems(400, 401, 403, 404, 429) },
});

/** More than a code of a year's stay in 32 locks gives. */
const eventsMax = 5_000;

export function evidenceRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(evidence, async (c) => {
    const { site: siteId, grant: id } = c.req.valid("param");
    const { at, accessPoint } = c.req.valid("query");
    const site = await requireSite(parts, siteId);
    const published = await readGrant(store.db, siteId, id);
    if (!published) throw notFound(`grant ${id} at site ${siteId}`);
    const grant = toGrant(published.row);
    const accessPoints = accessPoint === undefined ? grant.accessPoints : [accessPoint];
    const found = await grantEvents(store.db, siteId, id, evidenceTypes, eventsMax);
    const known: Known = {
      site,
      grant,
      version: published.version,
      doors: await readDoors(store.db, siteId, accessPoints),
      gateways: await listGateways(store.db, siteId),
      account: (await readAccounts(store.db, siteId, [grant])).get(id),
      events: byCode(found.map(({ gatewayId, body }) => ({ gateway: gatewayId, event: JSON.parse(body ?? "") }))),
      listed: await listedOf(store.db, siteId, grant),
      now: clock.wall(),
      at: at === undefined ? clock.wall() : toInstant(at),
    };
    const codes = accessPoints.flatMap((point) => grant.credentials.map((one) => toCode(known, point, one)));
    return c.json({ grant: id, at: iso(known.at), wantedAt: iso(published.row.createdAt), codes }, 200);
  });

  return app;
}

/** All that the answers rest on. */
interface Known {
  readonly site: SiteRow;
  readonly grant: Grant;
  /** Of the feed, at which gateways have the grant's state. */
  readonly version: number;
  readonly doors: readonly ReportedDoor[];
  readonly gateways: readonly GatewayRow[];
  readonly account: RightsAccount | undefined;
  /** By codeKey(). */
  readonly events: ReadonlyMap<string, readonly EvidenceEvent[]>;
  /** Of the grant and its credentials those on the blacklist, by id. */
  readonly listed: ReadonlySet<string>;
  readonly now: Instant;
  readonly at: Instant;
}

function toCode(known: Known, accessPoint: string, credential: Asked["credential"]) {
  const { site, grant, doors, gateways, account, events, listed, now, at } = known;
  const door = doors.find(({ id }) => id === accessPoint);
  const gateway = gateways.find(({ id }) => id === door?.gateway);
  const lock = door?.lock;
  const keeps = credential.kind === "pin" && door?.codes !== undefined && lock !== undefined;
  const of = codeEvidence((keeps && events.get(codeKey(door.gateway, lock, credential.id))) || []);
  const isBlacklisted = listed.has(grant.id) || listed.has(credential.id);
  // When it was listed is not kept with a version of its own: the present one counts.
  const version = isBlacklisted ? site.ver : known.version;
  const verdict = willOpen({
    at,
    now,
    grant,
    credential,
    door,
    gateway: {
      inService: gateway !== undefined && gateway.publicKey !== null && gateway.revokedAt === null,
      confirmed:
        gateway?.cursorFeed === site.feed && gateway.resettingFrom === null && gateway.cursorVersion >= version,
      silentSince: gateway ? silentSince(gateway, now) : null,
    },
    site: {
      zone: site.zone,
      lockdown: site.lockdown,
      offlineMaxAgeMs: JSON.parse(site.offlinePolicy)[grant.kind] ?? null,
    },
    isBlacklisted,
    entries: account && entriesAt(account, door?.gateway),
    evidence: of,
  });
  return {
    credential: credential.id,
    kind: credential.kind,
    accessPoint,
    gateway: door?.gateway ?? null,
    opens: { ...verdict, words: answers[verdict.why] },
    code: keeps
      ? {
          lock,
          state: of.state,
          sentAt: isoOrNull(of.sentAt),
          acceptedAt: isoOrNull(of.acceptedAt),
          confirmedAt: isoOrNull(of.confirmedAt),
          clearedAt: isoOrNull(of.clearedAt),
          usedAt: isoOrNull(of.usedAt),
          missing: of.missing && { why: of.missing.why, since: iso(of.missing.at) },
        }
      : null,
  };
}

function entriesAt(account: RightsAccount, gateway: string | undefined): Asked["entries"] {
  const left = entriesLeft(account);
  if (left.some((one) => one.gateway === gateway)) return "here";
  return left.length > 0 ? "elsewhere" : "none";
}
