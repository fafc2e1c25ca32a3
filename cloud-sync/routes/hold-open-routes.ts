/** Holding an access point open: a mode that its gateway applies from its own records, with an end of its own. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { holdOpenMaxMs } from "../../gateway/domain/hold-open.ts";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { readAccessPoint } from "../store/gateways.ts";
import { endHoldOpen, holdOpen, type PublishedHold, readHoldOpen } from "../store/hold-open.ts";
import { asks } from "./asks.ts";
import { noteOf, requireGateway, requireSite } from "./requests.ts";
import { idText, iso, json, jsonBody, moment, notFound, problems, siteParams, toInstant } from "./shapes.ts";

const path = "/api/sites/{site}/access-points/{accessPoint}/hold-open";
const params = siteParams.extend({ accessPoint: idText.openapi({ example: "front" }) });
const versionField = z
  .number()
  .int()
  .openapi({ description: "It holds once the gateway's `confirmedVersion` has reached this version of the feed." });
const placeFields = { accessPoint: z.string(), gateway: z.string(), version: versionField };
const holdSchema = z
  .object({ id: z.string(), ...placeFields, from: z.string(), until: z.string() })
  .openapi("HoldOpen");

const set = createRoute({
  method: "put",
  path,
  tags: ["Access points"],
  summary: "Hold an access point open until a moment",
  description:
    "A mode, in place of the one that stands. The gateway begins and ends it by its own clock, with or without a line; a lockdown, " +
    "an unset clock and records older than a day secure the lock. Where the lock cannot be held open the gateway's event " +
    "`hold-ended` says `impossible`.",
  ...asks("doors.change"),
  request: {
    params,
    body: jsonBody(
      z.strictObject({
        from: moment.optional().openapi({ description: "At once when left out or past." }),
        until: moment.openapi({ description: "At most 24 hours from now." }),
      }),
    ),
  },
  responses: { 200: json(holdSchema, "What stands now"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const read = createRoute({
  method: "get",
  path,
  tags: ["Access points"],
  summary: "Read what holds an access point open",
  ...asks("doors.read"),
  request: { params },
  responses: { 200: json(holdSchema, "What stands now"), ...problems(400, 401, 403, 404, 429) },
});

const end = createRoute({
  method: "delete",
  path,
  tags: ["Access points"],
  summary: "Hold an access point open no longer",
  description: "For ever: a gateway that has confirmed it never takes this hold up again.",
  ...asks("doors.change"),
  request: { params },
  responses: { 200: json(z.object(placeFields), "Ended"), ...problems(400, 401, 403, 404, 429) },
});

export function holdOpenRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock, logger } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  const placeOf = async (site: string, accessPoint: string) => {
    await requireSite(parts, site);
    const point = await readAccessPoint(store.db, site, accessPoint);
    if (!point) throw notFound(`access point ${accessPoint} at site ${site}`);
    return { accessPoint, gateway: point.gatewayId };
  };

  app.openapi(set, async (c) => {
    const { site, accessPoint } = c.req.valid("param");
    const place = await placeOf(site, accessPoint);
    const { revokedAt } = await requireGateway(parts, site, place.gateway);
    if (revokedAt !== null) throw fieldProblem("path.accessPoint", "its gateway was revoked", 409);
    const now = clock.wall();
    const body = c.req.valid("json");
    const until = toInstant(body.until);
    const from = Math.max(now, body.from === undefined ? now : toInstant(body.from));
    if (until <= now) throw fieldProblem("body.until", "is past");
    if (until > now + holdOpenMaxMs) throw fieldProblem("body.until", "is more than 24 hours from now");
    if (from >= until) throw fieldProblem("body.from", "is not before `until`");
    const hold = await store.transaction(async (tx) => {
      const set = await holdOpen(tx, site, accessPoint, { from, until }, now);
      const after = { hold: set.id, from: iso(set.from), until: iso(set.until) };
      await noteOf(parts, c)(tx, { site, action: "doors.hold", thing: accessPoint, after });
      return set;
    });
    logger.info("hold-open-set", { site, accessPoint, hold: hold.id, until: iso(until), by: c.get("actor").id });
    return c.json(toShape(place, hold), 200);
  });

  app.openapi(read, async (c) => {
    const { site, accessPoint } = c.req.valid("param");
    const place = await placeOf(site, accessPoint);
    const hold = await readHoldOpen(store.db, site, accessPoint, clock.wall());
    if (!hold) throw notFound(`hold at access point ${accessPoint}`);
    return c.json(toShape(place, hold), 200);
  });

  app.openapi(end, async (c) => {
    const { site, accessPoint } = c.req.valid("param");
    const place = await placeOf(site, accessPoint);
    const version = await store.transaction(async (tx) => {
      const ended = await endHoldOpen(tx, site, accessPoint, clock.wall());
      if (ended !== undefined) await noteOf(parts, c)(tx, { site, action: "doors.end-hold", thing: accessPoint });
      return ended;
    });
    if (version === undefined) throw notFound(`hold at access point ${accessPoint}`);
    logger.info("hold-open-ended", { site, accessPoint, by: c.get("actor").id });
    return c.json({ ...place, version }, 200);
  });

  return app;
}

function toShape(place: { readonly accessPoint: string; readonly gateway: string }, hold: PublishedHold) {
  const { id, from, until, version } = hold;
  return { id, ...place, version, from: iso(from), until: iso(until) };
}
