/** Administration of grants: create, list, read with who has confirmed, edit the window, revoke. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { credentialKinds } from "../../gateway/domain/credential.ts";
import { type Grant, grantKinds } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import { grantFacts } from "../audit-facts.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { createGrant } from "../create-grant.ts";
import { findImpossible } from "../domain/doors.ts";
import { pinLengths } from "../domain/pin-policy.ts";
import { entriesLeft, isLowering, type RightsAccount } from "../domain/settle-rights.ts";
import { silentSince } from "../domain/silence.ts";
import { revokeGrant } from "../own-grants.ts";
import { lookAtGrants } from "../store/bookings.ts";
import { readDoors } from "../store/doors.ts";
import { type GatewayRow, listGateways } from "../store/gateways.ts";
import {
  changeGrant,
  freeCodes,
  grantState,
  grantStates,
  keepCodes,
  listGrants,
  lockGrant,
  type PublishedGrant,
  readGrant,
  toGrant,
} from "../store/grants.ts";
import { readAccounts } from "../store/rights.ts";
import type { SiteRow } from "../store/sites.ts";
import { asks } from "./asks.ts";
import { noteOf, onceFor, requireSite } from "./requests.ts";
import { timeOfDay, weeklyWindows } from "./schedule-shape.ts";
import {
  accessPointIds,
  accountAddress,
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  moment,
  momentOrNull,
  nextField,
  notFound,
  pageQuery,
  problems,
  siteParams,
  toInstant,
  toPageMark,
  words,
} from "./shapes.ts";

const tags = ["Grants"];
const grantParams = siteParams.extend({ grant: idText.openapi({ example: "grant-7k3m9xw2pa3dq8fz" }) });

const schedule = z.strictObject({
  windows: weeklyWindows,
  exceptions: z
    .array(
      z.strictObject({
        date: z.iso.date(),
        windows: z.array(z.strictObject({ from: timeOfDay, until: timeOfDay })).max(16),
      }),
    )
    .max(400)
    .optional(),
});

const person = z.strictObject({ id: idText, name: words(200), document: words(64).optional() });
const secretText = z
  .string()
  .min(4)
  .max(128)
  .regex(/^[\x21-\x7e]+$/, "printable characters without spaces");
const pinText = z
  .string()
  .regex(new RegExp(`^\\d{${pinLengths.min},${pinLengths.max}}$`), `${pinLengths.min} to ${pinLengths.max} digits`);

const wantedCredential = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("pin"),
      value: pinText.optional(),
      length: z.number().int().min(pinLengths.min).max(pinLengths.max).optional(),
    })
    .refine(({ value, length }) => value === undefined || length === undefined, {
      path: ["length"],
      message: "the given value has its own length",
    }),
  z.strictObject({ kind: z.literal("pass"), value: secretText.optional() }),
  z.strictObject({ kind: z.literal("link"), value: secretText.min(16).optional() }),
  z.strictObject({ kind: z.literal("card"), value: secretText }),
  z.strictObject({ kind: z.literal("provider"), value: accountAddress }),
]);

const aboutBytesMax = 8_192;
const aboutLevelsMax = 16;
const isWithin = (levels: number, value: unknown): boolean =>
  typeof value !== "object" ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => isWithin(levels - 1, inner)));
// What arrives is JSON already; its depth is checked first, because every walk through it is recursive.
const about = z
  .record(z.string().max(64), z.unknown())
  .refine((value) => isWithin(aboutLevelsMax, value), { error: `at most ${aboutLevelsMax} levels deep`, abort: true })
  .refine((value) => JSON.stringify(value).length <= aboutBytesMax, `at most ${aboutBytesMax} bytes`)
  .openapi({ type: "object", description: "What makes a stay a stay; no decision reads it.", example: {} });

const entriesAllowed = z.number().int().min(1).max(1_000_000).nullable().openapi({
  example: null,
  description: "null: as often as the holder likes.",
});

const wantedGrant = z
  .strictObject({
    kind: z.enum(grantKinds),
    holder: person.partial({ id: true }).openapi({ example: { name: "Ada Guest" } }),
    host: person.optional(),
    accessPoints: accessPointIds,
    from: moment,
    until: moment.openapi({ example: "2031-03-06T11:00:00+01:00" }),
    schedule: schedule.optional(),
    entriesAllowed,
    limitMode: z.enum(["strict", "lenient"]).default("strict"),
    homeGateway: idText.optional().openapi({ description: "Where the entries of a limited grant lie." }),
    credentials: z
      .array(wantedCredential)
      .min(1)
      .max(32)
      .openapi({ example: [{ kind: "pin" }] }),
    about: about.optional(),
  })
  .refine(({ from, until }) => toInstant(from) < toInstant(until), { path: ["until"], message: "must be after from" });

const grantSchema = z
  .object({
    id: z.string(),
    kind: z.enum(grantKinds),
    state: z.enum(grantStates),
    holder: z.object({ id: z.string(), name: z.string(), document: z.string().optional() }),
    host: z.object({ id: z.string(), name: z.string(), document: z.string().optional() }).optional(),
    createdBy: z.string(),
    createdAt: z.string(),
    accessPoints: z.array(z.string()),
    from: z.string(),
    until: z.string(),
    schedule: z.any().optional().openapi({ type: "object" }),
    entriesAllowed: z.number().int().nullable(),
    entriesUsed: z.number().int(),
    limitPending: z.boolean().openapi({
      description: "The limit was lowered, and gateways still hold more entries than it allows; they are asked back.",
    }),
    entriesAt: z.array(z.object({ gateway: z.string(), held: z.number().int(), asked: z.boolean() })).openapi({
      description: "Where the entries left lie, by what the gateways have told; asked: one is asked back.",
    }),
    lastUsedAt: momentOrNull,
    limitMode: z.enum(["strict", "lenient"]),
    homeGateway: z.string(),
    revokedAt: momentOrNull,
    credentials: z.array(
      z.object({
        id: z.string(),
        kind: z.enum(credentialKinds),
        revoked: z.boolean(),
        value: z.string().optional().openapi({ description: "Only in the answer to its creation, never again." }),
      }),
    ),
    about: z.any().openapi({ type: "object", example: {} }),
    version: z.number().int().openapi({ description: "Of the site's feed, at which gateways have this state." }),
    confirmations: z
      .array(z.object({ gateway: z.string(), name: z.string(), confirmed: z.boolean(), silentSince: momentOrNull }))
      .openapi({ description: "Whether each gateway in service has this state on its disk." }),
  })
  .openapi("Grant");

const create = createRoute({
  method: "post",
  path: "/api/sites/{site}/grants",
  tags,
  summary: "Create a grant",
  description:
    "Values of credentials are made when left out, and told once, in this answer. PINs are unique among the live codes of the site.",
  ...asks("grants.change"),
  request: { params: siteParams, body: jsonBody(wantedGrant) },
  responses: {
    201: json(grantSchema, "The grant, with its values"),
    ...problems(400, 401, 403, 404, 409, 413, 415, 429),
  },
});

const list = createRoute({
  method: "get",
  path: "/api/sites/{site}/grants",
  tags,
  summary: "List grants, newest first",
  ...asks("grants.read"),
  request: {
    params: siteParams,
    query: z.strictObject({
      ...pageQuery,
      kind: z.enum(grantKinds).optional(),
      state: z.enum(grantStates).optional(),
      accessPoint: idText.optional(),
      holder: words(200).optional().openapi({ description: "The holder's id, or part of the name." }),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(grantSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 404, 429),
  },
});

const read = createRoute({
  method: "get",
  path: "/api/sites/{site}/grants/{grant}",
  tags,
  summary: "Read a grant and who has confirmed it",
  ...asks("grants.read"),
  request: { params: grantParams },
  responses: { 200: json(grantSchema, "The grant"), ...problems(401, 403, 404, 429) },
});

const edit = createRoute({
  method: "patch",
  path: "/api/sites/{site}/grants/{grant}",
  tags,
  summary: "Change a grant's window or its limit",
  description:
    "A lower limit holds at once at each gateway by itself, and for all together once `limitPending` is false.",
  ...asks("grants.change"),
  request: {
    params: grantParams,
    body: jsonBody(
      z
        .strictObject({ from: moment.optional(), until: moment.optional(), entriesAllowed: entriesAllowed.optional() })
        .refine((change) => Object.values(change).some((value) => value !== undefined), "name what is to change"),
    ),
  },
  responses: { 200: json(grantSchema, "The grant"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const revoke = createRoute({
  method: "post",
  path: "/api/sites/{site}/grants/{grant}/revoke",
  tags,
  summary: "Revoke a grant for ever",
  ...asks("grants.change"),
  request: { params: grantParams },
  responses: { 200: json(grantSchema, "The grant"), ...problems(401, 403, 404, 429) },
});

const revokeOne = createRoute({
  method: "post",
  path: "/api/sites/{site}/grants/{grant}/credentials/{credential}/revoke",
  tags,
  summary: "Revoke one credential for ever",
  ...asks("grants.change"),
  request: { params: grantParams.extend({ credential: idText }) },
  responses: { 200: json(grantSchema, "The grant"), ...problems(401, 403, 404, 429) },
});

export function grantRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, siteKeys, clock, logger } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  const shown = async (siteId: string, id: string) => {
    const found = await readGrant(store.db, siteId, id);
    if (!found) throw notFound(`grant ${id} at site ${siteId}`);
    const site = await requireSite(parts, siteId);
    const accounts = await readAccounts(store.db, siteId, [toGrant(found.row)]);
    return toShape(found, accounts, site, await listGateways(store.db, siteId), clock.wall());
  };

  app.openapi(create, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const { from, until, about = {}, ...wanted } = c.req.valid("json");
    const seal = await siteKeys.seal(store.db, site);
    const validity = { from: toInstant(from), until: toInstant(until) };
    if (validity.until <= clock.wall()) throw fieldProblem("body.until", "lies in the past");
    const created = await onceFor(parts, c, site, async (tx) => {
      const order = { ...wanted, site, validity, about, createdBy: c.get("actor").id };
      const { grant, values } = await createGrant(tx, seal, order, clock.wall());
      await noteOf(parts, c)(tx, { site, action: "grants.create", thing: grant.id, after: grantFacts(grant) });
      return { id: grant.id, values: Object.fromEntries(values) };
    });
    logger.info("grant-created", { site, grant: created.id, kind: wanted.kind, by: c.get("actor").id });
    const shape = await shown(site, created.id);
    const credentials = shape.credentials.map((one) => ({ ...one, value: created.values[one.id] ?? "" }));
    return c.json({ ...shape, credentials }, 201);
  });

  app.openapi(list, async (c) => {
    const site = await requireSite(parts, c.req.valid("param").site);
    const { limit, after, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const found = await listGrants(
      store.db,
      site.id,
      { ...filter, limit: limit + 1, after: place && { createdAt: place[0], id: place[1] } },
      clock.wall(),
    );
    const gateways = await listGateways(store.db, site.id);
    const page = found.slice(0, limit);
    const accounts = await readAccounts(
      store.db,
      site.id,
      page.map(({ row }) => toGrant(row)),
    );
    const last = page.at(-1)?.row;
    return c.json(
      {
        items: page.map((one) => toShape(one, accounts, site, gateways, clock.wall())),
        next: found.length > limit && last ? toPageMark([last.createdAt, last.id]) : null,
      },
      200,
    );
  });

  app.openapi(read, async (c) => {
    const { site, grant } = c.req.valid("param");
    return c.json(await shown(site, grant), 200);
  });

  app.openapi(edit, async (c) => {
    const { site, grant: id } = c.req.valid("param");
    const body = c.req.valid("json");
    await store.transaction(async (tx) => {
      const row = await lockGrant(tx, site, id);
      if (!row) throw notFound(`grant ${id} at site ${site}`);
      if (row.revokedAt !== null) throw fieldProblem("path.grant", "it was revoked; make a new one", 409);
      const validity = {
        from: body.from === undefined ? row.validFrom : toInstant(body.from),
        until: body.until === undefined ? row.validUntil : toInstant(body.until),
      };
      if (validity.from >= validity.until) throw fieldProblem("body.until", "must be after from");
      const before = toGrant(row);
      const grant = {
        ...before,
        validity,
        entriesAllowed: body.entriesAllowed === undefined ? before.entriesAllowed : body.entriesAllowed,
      };
      const impossible =
        body.entriesAllowed === undefined
          ? undefined
          : findImpossible(await readDoors(tx, site, grant.accessPoints), grant);
      // What else cannot be was so before, and is not changed here.
      if (impossible?.field === "entriesAllowed") throw fieldProblem("body.entriesAllowed", impossible.why);
      if (!(await keepCodes(tx, grant)))
        throw fieldProblem("body.until", "one of its codes has been given to another grant since it ended", 409);
      await changeGrant(tx, row, grant, { retiredAt: null }, clock.wall());
      const facts = { before: grantFacts(before), after: grantFacts(grant) };
      await noteOf(parts, c)(tx, { site, action: "grants.change", thing: id, ...facts });
    });
    logger.info("grant-changed", { site, grant: id, by: c.get("actor").id });
    return c.json(await shown(site, id), 200);
  });

  app.openapi(revoke, async (c) => {
    const { site, grant: id } = c.req.valid("param");
    await store.transaction(async (tx) => {
      const row = await lockGrant(tx, site, id);
      if (!row) throw notFound(`grant ${id} at site ${site}`);
      if (row.revokedAt !== null) return;
      const grant = await revokeGrant(tx, row, clock.wall());
      const facts = { before: grantFacts(toGrant(row)), after: grantFacts(grant) };
      await noteOf(parts, c)(tx, { site, action: "grants.revoke", thing: id, ...facts });
    });
    logger.info("grant-revoked", { site, grant: id, by: c.get("actor").id });
    return c.json(await shown(site, id), 200);
  });

  app.openapi(revokeOne, async (c) => {
    const { site, grant: id, credential } = c.req.valid("param");
    await store.transaction(async (tx) => {
      const row = await lockGrant(tx, site, id);
      const before = row && toGrant(row);
      const found = before?.credentials.find((one) => one.id === credential);
      if (!row || !before || !found) throw notFound(`credential ${credential} of grant ${id} at site ${site}`);
      if (found.revoked) return;
      const credentials = before.credentials.map((one) => (one === found ? { ...one, revoked: true } : one));
      const about = found.kind === "provider" ? { ...before.about, accountEndedAt: clock.wall() } : before.about;
      const grant: Grant = { ...before, credentials, about };
      await freeCodes(tx, grant, credential, clock.wall());
      await changeGrant(tx, row, grant, { retiredAt: null }, clock.wall());
      const facts = { before: grantFacts(before), after: grantFacts(grant) };
      await noteOf(parts, c)(tx, { site, action: "grants.revoke-credential", thing: id, ...facts });
    });
    // By itself: the planner locks a stay before its grant.
    await store.transaction((tx) => lookAtGrants(tx, site, [id], clock.wall()));
    logger.info("credential-revoked", { site, grant: id, credential, by: c.get("actor").id });
    return c.json(await shown(site, id), 200);
  });

  return app;
}

function toShape(
  { row, version }: PublishedGrant,
  accounts: ReadonlyMap<string, RightsAccount>,
  site: SiteRow,
  gateways: readonly GatewayRow[],
  now: Instant,
) {
  const grant = toGrant(row);
  const account = accounts.get(grant.id);
  return {
    id: grant.id,
    kind: grant.kind,
    state: grantState(row, now),
    holder: grant.holder,
    ...(grant.host && { host: grant.host }),
    createdBy: grant.createdBy,
    createdAt: iso(row.createdAt),
    accessPoints: [...grant.accessPoints],
    from: iso(grant.validity.from),
    until: iso(grant.validity.until),
    ...(grant.schedule && { schedule: grant.schedule }),
    entriesAllowed: grant.entriesAllowed,
    entriesUsed: row.entriesUsed,
    limitPending: account !== undefined && isLowering(account),
    entriesAt: account ? entriesLeft(account) : [],
    lastUsedAt: isoOrNull(row.lastUsedAt),
    limitMode: grant.limitMode,
    homeGateway: grant.homeGateway,
    revokedAt: isoOrNull(row.revokedAt),
    credentials: grant.credentials.map(({ id, kind, revoked }) => ({ id, kind, revoked })),
    about: grant.about,
    version,
    confirmations: gateways
      .filter(({ publicKey, revokedAt }) => publicKey !== null && revokedAt === null)
      .map((gateway) => ({
        gateway: gateway.id,
        name: gateway.name,
        confirmed:
          gateway.cursorFeed === site.feed && gateway.resettingFrom === null && gateway.cursorVersion >= version,
        silentSince: isoOrNull(silentSince(gateway, now)),
      })),
  };
}
