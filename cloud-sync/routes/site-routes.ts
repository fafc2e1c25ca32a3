/** Administration of sites, their blacklist included. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { grantKinds } from "../../gateway/domain/grant.ts";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { sitesOf } from "../domain/permissions.ts";
import { newId, randomLetters } from "../ids.ts";
import { addToBlacklist, listBlacklist, removeFromBlacklist } from "../store/blacklist.ts";
import { lookAtAllOf } from "../store/bookings.ts";
import { changedPassKeys, readPassKeys } from "../store/pass-keys.ts";
import { changeSite, createSite, listSites, type SiteRow, toSite } from "../store/sites.ts";
import { asks } from "./asks.ts";
import { noteOf, onceFor, requireSite } from "./requests.ts";
import {
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  momentOrNull,
  nextField,
  notFound,
  pageQuery,
  problems,
  siteParams,
  toPageMark,
  words,
} from "./shapes.ts";

const isZone = (zone: string) => {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return /[A-Za-z]/.test(zone);
  } catch {
    return false;
  }
};
const zone = z.string().max(64).refine(isZone, "not an IANA time zone").openapi({ example: "Europe/Madrid" });
const offlineMaxAge = z
  .strictObject(Object.fromEntries(grantKinds.map((kind) => [kind, z.number().int().min(0).nullable().optional()])))
  .openapi({
    description:
      "Milliseconds for which grants of a kind are honoured without the cloud; null: until their validity ends.",
    example: { visitor: 86_400_000, stay: null },
  });

const siteSchema = z
  .object({
    id: z.string().openapi({ example: "demo" }),
    name: z.string().openapi({ example: "Demo house" }),
    zone,
    lockdown: z.boolean(),
    offlineMaxAgeMs: z.record(z.enum(grantKinds), z.number().nullable()),
    signedPasses: z.boolean().openapi({
      description:
        "Visitors' passes have a second QR code, which opens at a gate that has been cut off since before it was made.",
    }),
    /** Version of the feed: what gateways confirm. */
    version: z.number().int(),
    feed: z.string().openapi({ description: "Which history: a new one begins when the service has lost some." }),
    auditSince: momentOrNull.openapi({
      description: "The service lost history then, and waits for the account of every gateway in service.",
    }),
    createdAt: z.string(),
  })
  .openapi("Site");

const create = createRoute({
  method: "post",
  path: "/api/sites",
  tags: ["Sites"],
  summary: "Create a site",
  ...asks("sites.create"),
  request: {
    body: jsonBody(
      z.strictObject({
        id: z
          .string()
          .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, "small letters, digits and hyphens, at most 40")
          .optional()
          .openapi({ example: "demo", description: "Made when left out." }),
        name: words(200),
        zone,
        offlineMaxAgeMs: offlineMaxAge.optional(),
      }),
    ),
  },
  responses: { 201: json(siteSchema, "The site"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const list = createRoute({
  method: "get",
  path: "/api/sites",
  tags: ["Sites"],
  summary: "List sites",
  ...asks("sites.read"),
  responses: { 200: json(z.object({ items: z.array(siteSchema) }), "All sites"), ...problems(401, 403, 429) },
});

const read = createRoute({
  method: "get",
  path: "/api/sites/{site}",
  tags: ["Sites"],
  summary: "Read a site",
  ...asks("sites.read"),
  request: { params: siteParams },
  responses: { 200: json(siteSchema, "The site"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/sites/{site}",
  tags: ["Sites"],
  summary: "Change name, zone, offline policy or lockdown",
  description: "Lockdown is a level: while it stands no gateway of the site admits anyone.",
  ...asks("sites.change"),
  request: {
    params: siteParams,
    body: jsonBody(
      z
        .strictObject({
          name: words(200).optional(),
          zone: zone.optional(),
          lockdown: z.boolean().optional(),
          offlineMaxAgeMs: offlineMaxAge.optional(),
          signedPasses: z.enum(["on", "off", "new-key"]).optional().openapi({
            description:
              "off: all that were signed are void where that is heard. new-key: another key signs, and the one before counts for a day more.",
          }),
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(siteSchema, "The site"), ...problems(400, 401, 403, 404, 413, 415, 429) },
});

const entryFields = {
  subject: z.enum(["person", "document", "grant", "credential"]),
  value: words(200).openapi({
    example: "X1234567",
    description: "The person's id, the document's number, the grant's or the credential's id.",
  }),
};
const entrySchema = z
  .object({ id: z.string(), ...entryFields, reason: z.string().nullable(), createdAt: z.string() })
  .openapi("BlacklistEntry");

const addEntry = createRoute({
  method: "post",
  path: "/api/sites/{site}/blacklist",
  tags: ["Blacklist"],
  summary: "Put someone on the blacklist",
  ...asks("blacklist.change"),
  request: {
    params: siteParams,
    body: jsonBody(z.strictObject({ ...entryFields, reason: words(500).optional() })),
  },
  responses: { 201: json(entrySchema, "The entry"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const listEntries = createRoute({
  method: "get",
  path: "/api/sites/{site}/blacklist",
  tags: ["Blacklist"],
  summary: "The blacklist, newest first",
  ...asks("blacklist.read"),
  request: {
    params: siteParams,
    query: z.strictObject({
      ...pageQuery,
      value: entryFields.value.optional().openapi({ description: "Entries of this value alone." }),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(entrySchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 404, 429),
  },
});

const removeEntry = createRoute({
  method: "delete",
  path: "/api/sites/{site}/blacklist/{entry}",
  tags: ["Blacklist"],
  summary: "Take an entry off the blacklist",
  ...asks("blacklist.change"),
  request: { params: siteParams.extend({ entry: idText }) },
  responses: { 204: { description: "Gone" }, ...problems(401, 403, 404, 429) },
});

export function siteRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, siteKeys, clock } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(create, async (c) => {
    const { id = `site-${randomLetters(8)}`, name, zone, offlineMaxAgeMs } = c.req.valid("json");
    const fresh = { id, name, zone, ...(offlineMaxAgeMs && { offlineMaxAgeMs }) };
    const made = await store.transaction(async (tx) => {
      const isFree = await createSite(tx, fresh, siteKeys.create(id), clock.wall());
      const after = { title: name, zone, offlineMaxAgeMs };
      if (isFree) await noteOf(parts, c)(tx, { site: id, action: "sites.create", thing: id, after });
      return isFree;
    });
    if (!made) throw fieldProblem("body.id", "there is a site with this id", 409);
    return c.json(toShape(await requireSite(parts, id)), 201);
  });

  app.openapi(list, async (c) => {
    const mine = sitesOf(c.get("actor"), "sites.read");
    const rows = await listSites(store.db);
    return c.json({ items: rows.filter(({ id }) => mine?.includes(id) ?? true).map(toShape) }, 200);
  });

  app.openapi(read, async (c) => c.json(toShape(await requireSite(parts, c.req.valid("param").site)), 200));

  app.openapi(change, async (c) => {
    const { site } = c.req.valid("param");
    await store.transaction(async (tx) => {
      const { signedPasses, ...change } = c.req.valid("json");
      const now = clock.wall();
      const passKeys = signedPasses && ((row: SiteRow) => changedPassKeys(siteKeys, row, signedPasses, now));
      const changed = await changeSite(tx, site, { ...change, passKeys }, now);
      if (!changed) throw notFound(`site ${site}`);
      if (signedPasses === "new-key" && readPassKeys(changed.before).length === 0)
        throw fieldProblem("body.signedPasses", "the site has no signed passes; turn them on", 409);
      if (changed.after.zone !== changed.before.zone) await lookAtAllOf(tx, site, undefined, now);
      const facts = { before: factsOf(changed.before), after: factsOf(changed.after) };
      await noteOf(parts, c)(tx, { site, action: "sites.change", thing: site, ...facts });
    });
    return c.json(toShape(await requireSite(parts, site)), 200);
  });

  app.openapi(addEntry, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const { subject, value, reason = null } = c.req.valid("json");
    const answer = await onceFor(parts, c, site, async (tx) => {
      const entry = { id: newId("entry"), subject, value };
      await addToBlacklist(tx, site, entry, reason, clock.wall());
      await noteOf(parts, c)(tx, { site, action: "blacklist.add", thing: entry.id, after: { subject, value } });
      return { ...entry, reason, createdAt: iso(clock.wall()) };
    });
    return c.json(answer, 201);
  });

  app.openapi(listEntries, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const { limit, after, value } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const rows = await listBlacklist(store.db, site, {
      value,
      limit: limit + 1,
      after: place && { createdAt: place[0], id: place[1] },
    });
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    const items = rows.slice(0, limit).map(({ id, subject, value, reason, createdAt }) => ({
      id,
      subject: entryFields.subject.parse(subject),
      value,
      reason,
      createdAt: iso(createdAt),
    }));
    return c.json({ items, next: last ? toPageMark([last.createdAt, last.id]) : null }, 200);
  });

  app.openapi(removeEntry, async (c) => {
    const { site, entry } = c.req.valid("param");
    const removed = await store.transaction(async (tx) => {
      const isGone = await removeFromBlacklist(tx, site, entry, clock.wall());
      if (isGone) await noteOf(parts, c)(tx, { site, action: "blacklist.remove", thing: entry });
      return isGone;
    });
    if (!removed) throw notFound(`entry ${entry} on the blacklist of ${site}`);
    return c.body(null, 204);
  });

  return app;
}

/** A site's name is nobody's. */
function factsOf(row: SiteRow) {
  const { name: title, zone, lockdown, offlineMaxAgeMs, passKeys = [] } = toSite(row);
  return { title, zone, lockdown, offlineMaxAgeMs, passKeys: passKeys.map(({ publicKey }) => publicKey) };
}

function toShape(row: SiteRow) {
  const { ver: version, feed, auditSince, createdAt } = row;
  const { passKeys = [], ...shown } = toSite(row);
  return {
    ...shown,
    signedPasses: passKeys.length > 0,
    version,
    feed,
    auditSince: isoOrNull(auditSince),
    createdAt: iso(createdAt),
  };
}
