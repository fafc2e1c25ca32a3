/** Temporary codes: list, make, extend, end, rename, delete, reveal; the rules of the locks; export and import. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { codeStates } from "../domain/code-status.ts";
import { tempCodeLengths } from "../domain/temp-code-rules.ts";
import { grantStates } from "../store/grants.ts";
import type { TempCode } from "../temp-code.ts";
import { exportedFile, TempCodeFiles, tempCodeFile } from "../temp-code-file.ts";
import type { TempCodes } from "../temp-codes.ts";
import { asks } from "./asks.ts";
import { onceFor } from "./requests.ts";
import { weeklyWindows } from "./schedule-shape.ts";
import {
  accessPointIds,
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  momentOrNull,
  nextField,
  pageQuery,
  problems,
  siteMoment,
  toInstantAt,
  toPageMark,
  words,
} from "./shapes.ts";

const tags = ["Temporary codes"];
const params = z.object({ id: idText.openapi({ example: "grant-7k3m9xw2pa3dq8fz" }) });
const siteField = idText.optional().openapi({ description: "May be left out by whoever belongs to one site alone." });
const { min, max } = tempCodeLengths;
const codeText = z.string().regex(new RegExp(`^\\d{${min},${max}}$`), `${min} to ${max} digits`);
/** In a query: "front,gate". */
const accessPointList = z
  .string()
  .max(4_000)
  .transform((text) => text.split(",").filter((id) => id !== ""))
  .pipe(accessPointIds)
  .openapi({ type: "string", example: "front-door,gate" });

const codeFields = {
  id: z.string(),
  site: z.string(),
  name: z.string().openapi({ example: "Cleaner" }),
  state: z.enum(grantStates),
  createdBy: z.string(),
  createdAt: z.string(),
  from: z.string(),
  expiry: z.string(),
  revokedAt: momentOrNull,
  accessPoints: z.array(z.string()),
  windows: z.array(z.any()).nullable().openapi({ description: "Weekly hours, in site time; null: at any time." }),
  lastUsed: momentOrNull,
  imported: z.any().openapi({ description: "What the file said that it was imported from; null: made here." }),
  doors: z.array(
    z.object({
      accessPoint: z.string(),
      state: z
        .enum(codeStates)
        .openapi({ description: "How far it has come at this door; only what is proven counts." }),
      why: z.string(),
      since: momentOrNull,
      words: z.string(),
    }),
  ),
};
const codeSchema = z.object(codeFields).openapi("TempCode");
const newCodeSchema = z
  .object({ ...codeFields, code: z.string().openapi({ description: "Only in this answer; later by a reveal." }) })
  .openapi("NewTempCode");

const list = createRoute({
  method: "get",
  path: "/api/temp-codes",
  tags,
  summary: "List temporary codes, newest first",
  description: "An agency sees its own alone. Nobody sees digits here.",
  ...asks("codes.read"),
  request: {
    query: z.strictObject({
      ...pageQuery,
      site: idText.optional(),
      state: z.enum(grantStates).optional(),
      name: words(200).optional().openapi({ description: "Part of the name." }),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(codeSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/temp-codes",
  tags,
  summary: "Make a temporary code",
  description: "Refused with every rule of every lock that it breaks, each named by its field.",
  ...asks("codes.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        site: siteField,
        code: codeText.optional().openapi({ description: "Chosen when left out, so that the locks take it." }),
        name: words(200),
        from: siteMoment.optional().openapi({ description: "Now when left out." }),
        expiry: siteMoment,
        accessPoints: accessPointIds.optional().openapi({ description: "May be left out where there is one door." }),
        windows: weeklyWindows.min(1).optional(),
      }),
    ),
  },
  responses: {
    201: json(newCodeSchema, "The code, with its digits"),
    ...problems(400, 401, 403, 409, 413, 415, 429),
  },
});

const read = createRoute({
  method: "get",
  path: "/api/temp-codes/{id}",
  tags,
  summary: "Read a temporary code and how far it has come",
  ...asks("codes.read"),
  request: { params },
  responses: { 200: json(codeSchema, "The code"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/temp-codes/{id}",
  tags,
  summary: "Extend a temporary code, end it early, rename it",
  ...asks("codes.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject({
          name: words(200).optional(),
          expiry: siteMoment.optional().openapi({ description: "A moment that is not in the future ends it now." }),
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(codeSchema, "The code"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const remove = createRoute({
  method: "delete",
  path: "/api/temp-codes/{id}",
  tags,
  summary: "Delete a temporary code: it is revoked for ever",
  ...asks("codes.change"),
  request: { params },
  responses: { 200: json(codeSchema, "Revoked; it says where it still may be"), ...problems(401, 403, 404, 429) },
});

const reveal = createRoute({
  method: "post",
  path: "/api/temp-codes/{id}/reveal",
  tags,
  summary: "The digits of a temporary code",
  description: "Who asked is written into the audit trail.",
  ...asks("codes.reveal"),
  request: { params },
  responses: { 200: json(z.object({ code: z.string() }), "The digits"), ...problems(401, 403, 404, 409, 429) },
});

const openings = (which: string) =>
  z
    .number()
    .int()
    .nullable()
    .openapi({
      description: `How often a week ${which} may open; 0: they cannot be kept, null: as often as they like.`,
    });
const hoursLimits = {
  sameHoursMax: openings("hours that are the same on some days, and end before midnight"),
  otherHoursMax: openings("other hours"),
};
const doorHours = z.object({
  by: z.enum(["gateway", "lock", "writing", "nobody"]).openapi({
    description:
      "Who keeps weekly hours of a PIN: the gateway; the lock by itself; whoever writes the code for each opening; nobody.",
  }),
  ...hoursLimits,
});

const constraints = createRoute({
  method: "get",
  path: "/api/temp-codes/constraints",
  tags,
  summary: "What a code must be at the chosen doors",
  ...asks("codes.change"),
  request: { query: z.strictObject({ site: siteField, accessPoints: accessPointList }) },
  responses: {
    200: json(
      z.object({
        code: z
          .object({ lengths: z.array(z.number().int()), digits: z.string(), forbiddenPrefixes: z.array(z.string()) })
          .nullable()
          .openapi({ description: "null: no code fits all of them; `refusals` says why." }),
        words: z.string().nullable().openapi({ example: "6 digits of 123456789, not beginning with 12" }),
        windows: z.boolean().openapi({ description: "Whether any weekly hours can be kept at all of them." }),
        hours: z.object(hoursLimits),
        doors: z.array(
          z.object({
            accessPoint: z.string(),
            by: z.enum(["gateway", "lock", "both", "nobody", "unknown"]).openapi({ description: "Who lets in." }),
            words: z.string().nullable().openapi({ description: "What its lock takes; null: it keeps no codes." }),
            hours: doorHours,
          }),
        ),
        refusals: z.array(z.object({ field: z.string(), message: z.string() })),
      }),
      "The rules, merged",
    ),
    ...problems(400, 401, 403, 429),
  },
});

const exportAll = createRoute({
  method: "get",
  path: "/api/temp-codes/export",
  tags,
  summary: "All temporary codes of a site in the shape of temp_codes.json",
  ...asks("codes.read"),
  request: {
    query: z.strictObject({
      site: siteField,
      state: z.enum(grantStates).optional(),
      digits: z.enum(["yes", "no"]).default("no").openapi({
        description: "With the digits of live codes that the asker may reveal; that is written into the audit trail.",
      }),
    }),
  },
  responses: { 200: json(exportedFile, "The file"), ...problems(400, 401, 403, 429) },
});

const importAll = createRoute({
  method: "post",
  path: "/api/temp-codes/import",
  tags,
  summary: "Import temporary codes from a file in the shape of temp_codes.json",
  description:
    "All or none; a problem names each entry at fault. Entries that have ended or are not active are left out, and named.",
  ...asks("codes.change"),
  request: {
    query: z.strictObject({ site: siteField, accessPoints: accessPointList }),
    body: jsonBody(tempCodeFile),
  },
  responses: {
    201: json(
      z.object({
        imported: z.array(z.object({ entry: z.string(), id: z.string() })),
        left: z.array(z.object({ entry: z.string(), why: z.enum(["ended", "not-active"]) })),
      }),
      "What became of each entry",
    ),
    ...problems(400, 401, 403, 413, 415, 429),
  },
});

export function tempCodeRoutes(parts: CloudParts, codes: TempCodes): OpenAPIHono<CloudEnv> {
  const files = new TempCodeFiles(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(constraints, async (c) => {
    const { site: named, accessPoints } = c.req.valid("query");
    const site = await codes.siteOf(c.get("actor"), "codes.change", named, "query");
    const rules = await codes.rules(c.get("actor"), site, accessPoints);
    const code = rules.code && {
      lengths: [...rules.code.lengths],
      digits: rules.code.digits,
      forbiddenPrefixes: [...rules.code.forbiddenPrefixes],
    };
    const doors = rules.doors.map((door) => ({ ...door, words: door.words ?? null }));
    const { windows, hours } = rules;
    return c.json(
      { code: code ?? null, words: rules.words ?? null, windows, hours, doors, refusals: [...rules.refusals] },
      200,
    );
  });

  app.openapi(exportAll, async (c) => {
    const { site: named, state, digits } = c.req.valid("query");
    const asker = askerOf(c);
    const site = await codes.siteOf(asker.actor, "codes.read", named, "query");
    return c.json(await files.export(asker, site, { digits: digits === "yes", state }), 200);
  });

  app.openapi(importAll, async (c) => {
    const { site: named, accessPoints } = c.req.valid("query");
    const asker = askerOf(c);
    const site = await codes.siteOf(asker.actor, "codes.change", named, "query");
    const { imported, left } = await files.import(asker, site, accessPoints, c.req.valid("json"));
    return c.json({ imported: [...imported], left: [...left] }, 201);
  });

  app.openapi(list, async (c) => {
    const { after, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const { items, next } = await codes.list(c.get("actor"), {
      ...filter,
      after: place && { createdAt: place[0], id: place[1] },
    });
    return c.json({ items: items.map(toShape), next: next ? toPageMark([next.createdAt, next.id]) : null }, 200);
  });

  app.openapi(create, async (c) => {
    const asker = askerOf(c);
    const { site: named, from, expiry, ...wanted } = c.req.valid("json");
    const site = await codes.siteOf(asker.actor, "codes.change", named, "body");
    const moments = {
      expiry: toInstantAt(expiry, site.zone),
      from: from === undefined ? undefined : toInstantAt(from, site.zone),
    };
    const { id, code } = await codes.create(asker, site, { ...wanted, ...moments }, (work) =>
      onceFor(parts, c, site.id, work),
    );
    return c.json({ ...toShape(await codes.read(asker.actor, id)), code }, 201);
  });

  app.openapi(read, async (c) => c.json(toShape(await codes.read(c.get("actor"), c.req.valid("param").id)), 200));

  app.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { name, expiry } = c.req.valid("json");
    const asker = askerOf(c);
    const { zone } = await codes.read(asker.actor, id);
    await codes.change(asker, id, { name, expiry: expiry === undefined ? undefined : toInstantAt(expiry, zone) });
    return c.json(toShape(await codes.read(asker.actor, id)), 200);
  });

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const asker = askerOf(c);
    await codes.revoke(asker, id);
    return c.json(toShape(await codes.read(asker.actor, id)), 200);
  });

  app.openapi(reveal, async (c) => c.json({ code: await codes.reveal(askerOf(c), c.req.valid("param").id) }, 200));

  return app;
}

function toShape(code: TempCode) {
  return {
    id: code.id,
    site: code.site,
    name: code.name,
    state: code.state,
    createdBy: code.createdBy,
    createdAt: iso(code.createdAt),
    from: iso(code.from),
    expiry: iso(code.expiry),
    revokedAt: isoOrNull(code.revokedAt),
    accessPoints: [...code.accessPoints],
    windows: code.windows && [...code.windows],
    lastUsed: isoOrNull(code.lastUsed),
    imported: code.imported,
    doors: code.doors.map(({ accessPoint, state, why, since, words }) => ({
      accessPoint,
      state,
      why,
      since: isoOrNull(since),
      words,
    })),
  };
}
