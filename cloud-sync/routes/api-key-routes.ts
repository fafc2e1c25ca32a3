/** Keys by which programs sign in: made, listed, revoked. A key does what its scopes say, and never more than its role may. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Instant } from "../../gateway/domain/instant.ts";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { apiKeyState, apiKeyStates, keyLifeMaxMs, usualKeyLifeMs } from "../domain/api-key-state.ts";
import { type Action, actions, notForKeys, reachOf, roles } from "../domain/permissions.ts";
import { hashOf, newToken } from "../ids.ts";
import { demandSites } from "../people/manage-people.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { takesAdminToken } from "../people/read-actor.ts";
import { type ApiKey, createApiKey, listApiKeys, revokeApiKey } from "../store/api-keys.ts";
import { asks } from "./asks.ts";
import { noteOf } from "./requests.ts";
import {
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  moment,
  momentOrNull,
  notFound,
  problems,
  toInstant,
  words,
} from "./shapes.ts";

const tags = ["API keys"];
const scopes = actions.filter((action) => !notForKeys.includes(action)) as [Action, ...Action[]];

const facts = {
  name: words(100).openapi({ example: "booking import" }),
  role: z.enum(roles),
  sites: z
    .array(idText)
    .max(1_000)
    .openapi({ description: "Where it may act; roles that reach every site need none." }),
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length).openapi({ description: "Actions of docs/permissions.md." }),
};

const keySchema = z
  .object({
    id: z.string(),
    ...facts,
    scopes: z.array(z.string()),
    createdAt: z.string(),
    createdBy: z.string(),
    usedAt: momentOrNull.openapi({ description: "To the minute." }),
    expiresAt: z.string(),
    revokedAt: momentOrNull,
    state: z.enum(apiKeyStates).openapi({
      description:
        "`maker-gone`: whoever made it has no account any more, is disabled, or may not make keys now. Only a live key is taken.",
    }),
  })
  .openapi("ApiKey");

const list = createRoute({
  method: "get",
  path: "/api/api-keys",
  tags,
  summary: "Keys, newest first",
  ...asks("people.read"),
  responses: { 200: json(z.object({ items: z.array(keySchema) }), "All keys"), ...problems(401, 403, 429) },
});

const make = createRoute({
  method: "post",
  path: "/api/api-keys",
  tags,
  summary: "Make a key; it is shown this once",
  description:
    "It is good for 90 days unless `expiresAt` says otherwise, for at most 366, and no longer than its maker may make keys.",
  ...asks("people.change"),
  request: {
    body: jsonBody(z.strictObject({ ...facts, sites: facts.sites.default([]), expiresAt: moment.optional() })),
  },
  responses: {
    201: json(z.object({ key: keySchema, token: z.string() }), "The key, and what to send as `Bearer`"),
    ...problems(400, 401, 403, 413, 415, 429),
  },
});

const revoke = createRoute({
  method: "delete",
  path: "/api/api-keys/{key}",
  tags,
  summary: "Revoke a key, for good",
  ...asks("people.change"),
  request: { params: z.object({ key: idText }) },
  responses: { 204: { description: "Revoked" }, ...problems(401, 403, 404, 429) },
});

export function apiKeyRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock, logger } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const isTokenGood = await takesAdminToken(people);
    const keys = await listApiKeys(store.db);
    return c.json({ items: keys.map((key) => toShape(key, isTokenGood, clock.wall())) }, 200);
  });

  app.openapi(make, async (c) => {
    const { expiresAt, ...wanted } = c.req.valid("json");
    const now = clock.wall();
    const until = expiresAt === undefined ? now + usualKeyLifeMs : toInstant(expiresAt);
    if (until <= now) throw fieldProblem("body.expiresAt", "has passed");
    if (until > now + keyLifeMaxMs) throw fieldProblem("body.expiresAt", "is more than 366 days away");
    for (const [at, scope] of wanted.scopes.entries())
      if (reachOf({ role: wanted.role }, scope) === undefined)
        throw fieldProblem(`body.scopes[${at}]`, `the role "${wanted.role}" may not do this`);
    const token = newToken("postern_key");
    const by = c.get("actor").id;
    const { row, maker } = await store.transaction(async (tx) => {
      await demandSites(tx, wanted.sites);
      const made = await createApiKey(tx, { ...wanted, hash: hashOf(token), expiresAt: until, createdBy: by }, now);
      const { id, name, role, sites, scopes } = made.row;
      const after = { name, role, sites, scopes, expiresAt: iso(until) };
      await noteOf(people, c)(tx, { action: "api-keys.make", thing: id, after });
      return made;
    });
    logger.info("api-key-made", { key: row.id, role: row.role, by });
    return c.json({ key: toShape({ row, maker }, true, now), token }, 201);
  });

  app.openapi(revoke, async (c) => {
    const { key } = c.req.valid("param");
    const revoked = await store.transaction(async (tx) => {
      if (!(await revokeApiKey(tx, key, clock.wall()))) return false;
      await noteOf(people, c)(tx, { action: "api-keys.revoke", thing: key });
      return true;
    });
    if (!revoked) throw notFound(`API key ${key}`);
    logger.info("api-key-revoked", { key, by: c.get("actor").id });
    return c.body(null, 204);
  });

  return app;
}

function toShape({ row, maker }: ApiKey, isTokenGood: boolean, now: Instant) {
  const { hash: _, siteId: __, createdAt, usedAt, expiresAt, revokedAt, ...key } = row;
  return {
    ...key,
    createdAt: iso(createdAt),
    usedAt: isoOrNull(usedAt),
    expiresAt: iso(expiresAt),
    revokedAt: isoOrNull(revokedAt),
    state: apiKeyState(row, maker, isTokenGood, now),
  };
}
