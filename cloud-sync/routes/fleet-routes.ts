/** Administration of gateways and access points: enrolment, status, revocation, renaming, commands. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { commandState } from "../domain/command-state.ts";
import { silentSince } from "../domain/silence.ts";
import { eventsOwed } from "../domain/witness.ts";
import { finishAudit, isAwaited } from "../store/audit.ts";
import { type CommandRow, issueCommand, readCommand, recentCommands } from "../store/commands.ts";
import { type ReportedDoor, readDoors } from "../store/doors.ts";
import {
  type AccessPointRow,
  countParked,
  createEnrolmentCode,
  createGateway,
  type GatewayRow,
  listAccessPoints,
  listGateways,
  type Report,
  readAccessPoint,
  renameAccessPoint,
  revokeGateway,
  witnessOf,
} from "../store/gateways.ts";
import { countHeldBy } from "../store/rights.ts";
import type { SiteRow } from "../store/sites.ts";
import { asks } from "./asks.ts";
import { noteOf, onceFor, requireGateway, requireSite } from "./requests.ts";
import {
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  momentOrNull,
  notFound,
  problems,
  siteParams,
  words,
} from "./shapes.ts";

const gatewayParams = siteParams.extend({ gateway: idText.openapi({ example: "demo.gw-7k3m9xw2pa" }) });
const accessPointParams = siteParams.extend({ accessPoint: idText.openapi({ example: "front-door" }) });

const gatewaySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(["waiting", "online", "silent", "revoked"]).openapi({
      description: "waiting: not enrolled yet; silent: no request for a minute.",
    }),
    epoch: z.number().int(),
    enrolledAt: momentOrNull,
    revokedAt: momentOrNull,
    seenAt: momentOrNull,
    silentSince: momentOrNull,
    /** What the gateway has confirmed to hold, against what the site stands at. */
    confirmedVersion: z.number().int().nullable(),
    siteVersion: z.number().int(),
    upToDate: z.boolean(),
    /** Events received in this epoch. */
    eventsReceived: z.number().int(),
    eventsParked: z.number().int(),
    /** The number at which two different events arrived; null: never. */
    forkAt: z.number().int().nullable(),
    /** Events from this number on were gone from its journal after it had vouched for them; null: never. */
    cutAt: z.number().int().nullable(),
    /** Events it has vouched for and not sent yet. */
    eventsOwed: z.number().int(),
    /** The service lost history and waits for this gateway's account. */
    accountAwaited: z.boolean(),
    grantsHeld: z.number().int().openapi({
      description:
        "Limited grants of which it holds entries, as far as it has told. Once it is revoked those entries stay spent.",
    }),
    version: z.string().nullable().openapi({ description: "Of the gateway's software, as it reported." }),
    reportedAt: momentOrNull,
    devices: z.array(
      z.object({
        id: z.string(),
        link: z.enum(["online", "offline", "unknown"]),
        battery: z.number().optional(),
        firmware: z.string().optional(),
      }),
    ),
  })
  .openapi("Gateway");

const codeSchema = z
  .object({
    gateway: z.string(),
    code: z.string().openapi({ example: "demo.7KQ2-M9XW-3DPA", description: "Shown once. Good for one enrolment." }),
    expiresAt: z.string(),
  })
  .openapi("EnrolmentCode");

const codesSchema = z.object({
  lengths: z.array(z.number().int()),
  digits: z.string().openapi({ example: "123456789" }),
  forbiddenPrefixes: z.array(z.string()),
  capacity: z.number().int(),
  windows: z.string().openapi({ example: "range" }),
  hours: z
    .object({
      native: z.string().openapi({
        description:
          'What the lock keeps of weekly hours by itself: "one-span", the same hours on some days, or "none".',
        example: "one-span",
      }),
      zone: z
        .string()
        .optional()
        .openapi({ description: "Of the wall clock by which it does.", example: "Europe/Madrid" }),
      openingsPerWeekMax: z.number().int().openapi({
        description:
          "A schedule that it cannot keep is written into it for each opening, if it opens no oftener a week.",
      }),
    })
    .optional()
    .openapi({ description: "What becomes of weekly hours; absent: the lock knows none." }),
});

const accessPointSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    gateway: z.string(),
    /** Since when its gateway does not report it any more. */
    goneAt: momentOrNull,
    lock: z.string().nullable().openapi({ description: "The device that holds it; null: its gateway does not say." }),
    reads: z.boolean().nullable().openapi({
      description:
        "Whether anything there reads credentials, so that the gateway is asked; null: its gateway does not say.",
    }),
    kinds: z
      .array(z.string())
      .nullable()
      .openapi({
        description: "Which kinds of credential are read there; null: its gateway does not say.",
        example: ["pin"],
      }),
    codes: codesSchema
      .nullable()
      .openapi({ description: "What its lock lets a PIN be that it keeps itself; null: it keeps none." }),
    accounts: z.object({ capacity: z.number().int() }).nullable().openapi({
      description: "It opens to accounts at its maker, for credentials of the kind `provider`; null: it does not.",
    }),
    noCodes: z.string().nullable().openapi({ description: "Why its lock keeps none, where its gateway says so." }),
  })
  .openapi("AccessPoint");

const commandSchema = z
  .object({
    id: z.number().int(),
    gateway: z.string(),
    accessPoint: z.string(),
    action: z.enum(["unlock", "identify", "host-answer", "enter", "present"]),
    state: z.enum(["pending", "taken", "done", "refused", "expired", "unknown"]),
    by: z.string(),
    createdAt: z.string(),
    expiresAt: z.string(),
    gatewaySilentSince: momentOrNull,
  })
  .openapi("Command");

const create = createRoute({
  method: "post",
  path: "/api/sites/{site}/gateways",
  tags: ["Gateways"],
  summary: "Add a gateway and get its enrolment code",
  ...asks("gateways.change"),
  request: { params: siteParams, body: jsonBody(z.strictObject({ name: words(200) })) },
  responses: { 201: json(codeSchema, "The code"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const renewCode = createRoute({
  method: "post",
  path: "/api/sites/{site}/gateways/{gateway}/enrolment-codes",
  tags: ["Gateways"],
  summary: "A new enrolment code for the same gateway",
  description: "For a new card or a lost journal: enrolling again begins a new epoch and fences the old one.",
  ...asks("gateways.change"),
  request: { params: gatewayParams },
  responses: { 201: json(codeSchema, "The code"), ...problems(400, 401, 403, 404, 409, 429) },
});

const list = createRoute({
  method: "get",
  path: "/api/sites/{site}/gateways",
  tags: ["Gateways"],
  summary: "List gateways with what they confirmed and since when they are silent",
  ...asks("gateways.read"),
  request: { params: siteParams },
  responses: { 200: json(z.object({ items: z.array(gatewaySchema) }), "All"), ...problems(401, 403, 404, 429) },
});

const read = createRoute({
  method: "get",
  path: "/api/sites/{site}/gateways/{gateway}",
  tags: ["Gateways"],
  summary: "Status of a gateway",
  ...asks("gateways.read"),
  request: { params: gatewayParams },
  responses: { 200: json(gatewaySchema, "The gateway"), ...problems(401, 403, 404, 429) },
});

const revoke = createRoute({
  method: "post",
  path: "/api/sites/{site}/gateways/{gateway}/revoke",
  tags: ["Gateways"],
  summary: "Revoke a gateway for ever, as when it is lost or stolen",
  description: "The entries it holds and has not reported stay spent, because it may have admitted with them.",
  ...asks("gateways.change"),
  request: { params: gatewayParams },
  responses: { 200: json(gatewaySchema, "The gateway"), ...problems(401, 403, 404, 429) },
});

const listPoints = createRoute({
  method: "get",
  path: "/api/sites/{site}/access-points",
  tags: ["Access points"],
  summary: "List access points",
  description: "Gateways register them by their report.",
  ...asks("doors.read"),
  request: { params: siteParams },
  responses: { 200: json(z.object({ items: z.array(accessPointSchema) }), "All"), ...problems(401, 403, 404, 429) },
});

const rename = createRoute({
  method: "patch",
  path: "/api/sites/{site}/access-points/{accessPoint}",
  tags: ["Access points"],
  summary: "Rename an access point",
  ...asks("doors.change"),
  request: {
    params: accessPointParams,
    body: jsonBody(
      z.strictObject({ name: words(200).nullable().openapi({ description: "null: as its gateway reports it." }) }),
    ),
  },
  responses: { 200: json(accessPointSchema, "The access point"), ...problems(400, 401, 403, 404, 413, 415, 429) },
});

const unlock = createRoute({
  method: "post",
  path: "/api/sites/{site}/access-points/{accessPoint}/unlock",
  tags: ["Access points"],
  summary: "Unlock now",
  description: "Lives ten seconds: it runs at most once within them, or never.",
  ...asks("doors.open"),
  request: { params: accessPointParams },
  responses: { 202: json(commandSchema, "Under way"), ...problems(400, 401, 403, 404, 409, 429) },
});

const identify = createRoute({
  method: "post",
  path: "/api/sites/{site}/access-points/{accessPoint}/identify",
  tags: ["Access points"],
  summary: "Let its devices beep or blink, so that somebody on site finds them",
  description:
    "Moves nothing. Refused where no device of the access point can. Lives as long as an unlock, and runs at most once.",
  ...asks("doors.open"),
  request: { params: accessPointParams },
  responses: { 202: json(commandSchema, "Under way"), ...problems(400, 401, 403, 404, 409, 429) },
});

const readOne = createRoute({
  method: "get",
  path: "/api/sites/{site}/gateways/{gateway}/commands/{command}",
  tags: ["Access points"],
  summary: "What became of a command",
  ...asks("doors.open"),
  request: { params: gatewayParams.extend({ command: z.coerce.number().int().positive() }) },
  responses: { 200: json(commandSchema, "The command"), ...problems(400, 401, 403, 404, 429) },
});

const listCommands = createRoute({
  method: "get",
  path: "/api/sites/{site}/gateways/{gateway}/commands",
  tags: ["Access points"],
  summary: "The last fifty commands of a gateway",
  ...asks("doors.open"),
  request: { params: gatewayParams },
  responses: {
    200: json(z.object({ items: z.array(commandSchema) }), "Newest first"),
    ...problems(401, 403, 404, 429),
  },
});

export function fleetRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock, logger } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  const statusOf = async (site: SiteRow, row: GatewayRow) => {
    const eventsParked = await countParked(store.db, site.id, row.id);
    const grantsHeld = await countHeldBy(store.db, site.id, row.id);
    return { ...toStatus(site, row, clock.wall()), eventsParked, grantsHeld };
  };
  /** Of one site. */
  const toAccessPoints = async (rows: readonly AccessPointRow[]) => {
    const [first] = rows;
    const ids = rows.map(({ id }) => id);
    const doors = first ? await readDoors(store.db, first.siteId, ids) : [];
    return rows.map((row) =>
      toAccessPoint(
        row,
        doors.find(({ id }) => id === row.id),
      ),
    );
  };

  const readStatus = async (site: string, gateway: string) =>
    statusOf(await requireSite(parts, site), await requireGateway(parts, site, gateway));

  app.openapi(create, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const answer = await onceFor(parts, c, site, async (tx) => {
      const gateway = await createGateway(tx, site, c.req.valid("json").name, clock.wall());
      const { code, expiresAt } = await createEnrolmentCode(tx, site, gateway, clock.wall());
      const after = { title: c.req.valid("json").name };
      await noteOf(parts, c)(tx, { site, action: "gateways.create", thing: gateway, after });
      return { gateway, code, expiresAt: iso(expiresAt) };
    });
    return c.json(answer, 201);
  });

  app.openapi(renewCode, async (c) => {
    const { site, gateway } = c.req.valid("param");
    const row = await requireGateway(parts, site, gateway);
    if (row.revokedAt !== null) throw fieldProblem("path.gateway", "it was revoked; add a new gateway", 409);
    const answer = await onceFor(parts, c, site, async (tx) => {
      const { code, expiresAt } = await createEnrolmentCode(tx, site, gateway, clock.wall());
      await noteOf(parts, c)(tx, { site, action: "gateways.new-code", thing: gateway });
      return { gateway, code, expiresAt: iso(expiresAt) };
    });
    return c.json(answer, 201);
  });

  app.openapi(list, async (c) => {
    const site = await requireSite(parts, c.req.valid("param").site);
    const rows = await listGateways(store.db, site.id);
    return c.json({ items: await Promise.all(rows.map((row) => statusOf(site, row))) }, 200);
  });

  app.openapi(read, async (c) => {
    const { site, gateway } = c.req.valid("param");
    return c.json(await readStatus(site, gateway), 200);
  });

  app.openapi(revoke, async (c) => {
    const { site, gateway } = c.req.valid("param");
    await requireGateway(parts, site, gateway);
    await store.transaction(async (tx) => {
      await revokeGateway(tx, site, gateway, clock.wall());
      await noteOf(parts, c)(tx, { site, action: "gateways.revoke", thing: gateway });
    });
    await store.transaction((tx) => finishAudit(tx, site));
    logger.warn("gateway-revoked", { site, gateway, by: c.get("actor").id });
    return c.json(await readStatus(site, gateway), 200);
  });

  app.openapi(listPoints, async (c) => {
    const { id } = await requireSite(parts, c.req.valid("param").site);
    return c.json({ items: await toAccessPoints(await listAccessPoints(store.db, id)) }, 200);
  });

  app.openapi(rename, async (c) => {
    const { site, accessPoint } = c.req.valid("param");
    const { name } = c.req.valid("json");
    const row = await store.transaction(async (tx) => {
      const before = await readAccessPoint(tx, site, accessPoint);
      const after = await renameAccessPoint(tx, site, accessPoint, name);
      if (!before || !after) throw notFound(`access point ${accessPoint} at site ${site}`);
      const facts = { before: { title: before.name }, after: { title: after.name } };
      await noteOf(parts, c)(tx, { site, action: "doors.rename", thing: accessPoint, ...facts });
      return after;
    });
    const [point] = await toAccessPoints([row]);
    return c.json(point!, 200);
  });

  for (const [route, action] of [
    [unlock, "unlock"],
    [identify, "identify"],
  ] as const)
    app.openapi(route, async (c) => {
      // Its life begins when it is asked for, not when the store comes to it.
      const askedAt = clock.wall();
      const { site, accessPoint } = c.req.valid("param");
      await requireSite(parts, site);
      const point = await readAccessPoint(store.db, site, accessPoint);
      if (!point) throw notFound(`access point ${accessPoint} at site ${site}`);
      const gateway = await requireGateway(parts, site, point.gatewayId);
      if (gateway.revokedAt !== null) throw fieldProblem("path.accessPoint", "its gateway was revoked", 409);
      const answer = await onceFor(parts, c, site, async (tx) => {
        const target = { site, gateway: gateway.id, accessPoint, action, by: c.get("actor").id };
        const issued = await issueCommand(tx, target, askedAt);
        const after = { gateway: gateway.id, command: issued.id };
        await noteOf(parts, c)(tx, { site, action: `doors.${action}`, thing: accessPoint, after });
        return toCommand(issued, gateway, clock.wall());
      });
      logger.info("command-issued", { site, accessPoint, action, command: answer.id, by: answer.by });
      return c.json(answer, 202);
    });

  app.openapi(readOne, async (c) => {
    const { site, gateway, command } = c.req.valid("param");
    const row = await readCommand(store.db, site, gateway, command);
    if (!row) throw notFound(`command ${command} of gateway ${gateway}`);
    return c.json(toCommand(row, await requireGateway(parts, site, gateway), clock.wall()), 200);
  });

  app.openapi(listCommands, async (c) => {
    const { site, gateway } = c.req.valid("param");
    const owner = await requireGateway(parts, site, gateway);
    const rows = await recentCommands(store.db, site, gateway);
    return c.json({ items: rows.map((row) => toCommand(row, owner, clock.wall())) }, 200);
  });

  return app;
}

function toStatus(site: SiteRow, row: GatewayRow, now: number) {
  const report: Report | undefined = row.report === null ? undefined : JSON.parse(row.report);
  const silent = silentSince(row, now);
  const confirmedVersion = row.cursorFeed === site.feed && row.resettingFrom === null ? row.cursorVersion : null;
  return {
    id: row.id,
    name: row.name,
    state: stateOf(row, silent),
    epoch: row.epoch,
    enrolledAt: isoOrNull(row.enrolledAt),
    revokedAt: isoOrNull(row.revokedAt),
    seenAt: isoOrNull(row.seenAt),
    silentSince: isoOrNull(silent),
    confirmedVersion,
    siteVersion: site.ver,
    upToDate: confirmedVersion === site.ver,
    eventsReceived: row.next - 1,
    forkAt: row.forkSeq,
    cutAt: row.cutSeq,
    eventsOwed: eventsOwed(witnessOf(row), row.next),
    accountAwaited: isAwaited(site, row),
    version: report?.version ?? null,
    reportedAt: isoOrNull(row.reportedAt),
    devices: (report?.devices ?? []).map(({ id, link, battery, firmware }) => ({
      id,
      link,
      ...(battery !== undefined && { battery }),
      ...(firmware !== undefined && { firmware }),
    })),
  };
}

function stateOf(row: GatewayRow, silent: number | null) {
  if (row.revokedAt !== null) return "revoked" as const;
  if (row.publicKey === null) return "waiting" as const;
  return silent === null ? ("online" as const) : ("silent" as const);
}

function toAccessPoint(row: AccessPointRow, door: ReportedDoor | undefined) {
  return {
    id: row.id,
    name: row.name ?? row.reportedName,
    gateway: row.gatewayId,
    goneAt: isoOrNull(row.goneAt),
    lock: door?.lock ?? null,
    reads: door?.reads ?? null,
    kinds: door?.kinds ? [...door.kinds] : null,
    codes: door?.codes ? codesSchema.parse(door.codes) : null,
    accounts: door?.accounts ? { capacity: door.accounts.capacity } : null,
    noCodes: door?.noCodes ?? null,
  };
}

function toCommand(row: CommandRow, gateway: GatewayRow, now: number) {
  return {
    id: row.id,
    gateway: row.gatewayId,
    accessPoint: row.accessPoint,
    action: row.action,
    state: commandState(row, now),
    by: row.issuedBy,
    createdAt: iso(row.createdAt),
    expiresAt: iso(row.createdAt + row.ttlMs),
    gatewaySilentSince: isoOrNull(silentSince(gateway, now)),
  };
}
