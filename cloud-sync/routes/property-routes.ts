/** Properties: which doors a stay opens, and how its code is made. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { guideLimits } from "../domain/house-guide.ts";
import { pinLengths } from "../domain/pin-policy.ts";
import { sparesMax } from "../domain/spare-pool.ts";
import { usualRules } from "../domain/stay-planner.ts";
import { chosenSite } from "../own-grants.ts";
import { Properties } from "../properties.ts";
import type { Property } from "../store/properties.ts";
import { asks } from "./asks.ts";
import { onceFor } from "./requests.ts";
import {
  accessPointIds,
  hourText,
  idText,
  iso,
  isoOrNull,
  isPlainLines,
  json,
  jsonBody,
  momentOrNull,
  problems,
  words,
} from "./shapes.ts";

const tags = ["Properties"];
const params = z.object({ id: idText.openapi({ example: "property-7k3m9xw2pa3dq8fz" }) });
const minutes = z.number().int().min(0).max(1_440);

const rules = {
  checkIn: hourText.openapi({ description: "Wall clock at the site.", example: usualRules.checkIn }),
  checkOut: hourText.openapi({ example: usualRules.checkOut }),
  earlyMinutes: minutes.openapi({ description: "The code works so long before check-in." }),
  lateMinutes: minutes.openapi({ description: "And so long after checkout." }),
  aheadHours: z
    .number()
    .int()
    .min(1)
    .max(24 * 60)
    .openapi({ description: "The code is made so long before it works.", example: usualRules.aheadHours }),
  codeLength: z.number().int().min(pinLengths.min).max(pinLengths.max).openapi({
    description: "Digits of the code at least: it has more where many are in use.",
  }),
  codeFrom: z.enum(["random", "phone"]).openapi({
    description:
      "phone: the end of the guest's number, which others may know; where the locks do not take it, or somebody else has it, random.",
  }),
  showCodeHours: z
    .number()
    .int()
    .min(0)
    .max(24 * 60)
    .nullable()
    .openapi({ description: "Its guest sees the code so long before it works; null: as soon as it is made." }),
  cleaningMinutes: minutes.openapi({
    description:
      "Kept free before the next stay: the early and late minutes and a stay's extra hours never reach into it. Stays with less between them are told as `isTooTight`.",
  }),
  spareCodes: z.number().int().min(0).max(sparesMax).openapi({
    description:
      "So many codes are held ready at its doors. A stay whose own code is not there four hours before it works, or does not work by its guest, is given one. In a lock that keeps codes itself each of them opens, known to nobody, from when it is made.",
  }),
};
const rulesSchema = z.object(rules).openapi("StayRules");
const wantedRules = z.strictObject(rules).partial();

const language = z.string().regex(/^[a-z]{2}$/, "is no language; write en, es, …");
const noteText = z
  .string()
  .trim()
  .min(1)
  .max(guideLimits.noteMax)
  .refine(isPlainLines, "has characters that cannot be printed")
  .openapi({ description: "Plain text; lines stay lines." });
const guide = {
  address: words(guideLimits.addressMax).nullable().openapi({ example: "Calle Mayor 3, 28013 Madrid" }),
  place: z
    .strictObject({ latitude: z.number().min(-90).max(90), longitude: z.number().min(-180).max(180) })
    .nullable()
    .openapi({ description: "Of its door, in degrees: the link to a map leads there." }),
};
const guideSchema = z.object({ ...guide, notes: z.record(z.string(), z.string()) }).openapi("HouseGuide");
const wantedGuide = z
  .strictObject({
    ...guide,
    notes: z
      .record(language, noteText.nullable())
      .openapi({ description: "By language; null takes one away.", example: { en: "The bins are behind the house." } }),
  })
  .partial()
  .openapi({ description: "What its guests read on their page." });

const propertySchema = z
  .object({
    id: z.string(),
    site: z.string(),
    name: z.string(),
    accessPoints: z.array(z.string()),
    rules: rulesSchema,
    guide: guideSchema,
    spares: z.object({
      ready: z
        .number()
        .int()
        .openapi({ description: "Spare codes proven at every door when they were last looked at." }),
      problem: z.string().nullable().openapi({ description: "Why none could be made; it is tried again." }),
    }),
    createdAt: z.string(),
    closedAt: momentOrNull,
  })
  .openapi("Property");

const list = createRoute({
  method: "get",
  path: "/api/properties",
  tags,
  summary: "List properties, by name",
  ...asks("stays.read"),
  request: { query: z.strictObject({ site: idText.optional() }) },
  responses: {
    200: json(z.object({ items: z.array(propertySchema) }), "All of them"),
    ...problems(400, 401, 403, 429),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/properties",
  tags,
  summary: "Add a property",
  ...asks("properties.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        site: idText.optional().openapi({ description: "May be left out by whoever belongs to one site alone." }),
        name: words(200),
        accessPoints: accessPointIds.optional().openapi({ description: "Left out: the only one the site has." }),
        rules: wantedRules.default({}),
        guide: wantedGuide.optional(),
      }),
    ),
  },
  responses: { 201: json(propertySchema, "The property"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const read = createRoute({
  method: "get",
  path: "/api/properties/{id}",
  tags,
  summary: "Read a property",
  ...asks("stays.read"),
  request: { params },
  responses: { 200: json(propertySchema, "The property"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/properties/{id}",
  tags,
  summary: "Change a property",
  description: "The codes of its stays follow: they keep their digits.",
  ...asks("properties.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject({
          name: words(200).optional(),
          accessPoints: accessPointIds.optional(),
          rules: wantedRules.optional(),
          guide: wantedGuide.optional(),
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(propertySchema, "The property"), ...problems(400, 401, 403, 404, 413, 415, 429) },
});

const close = createRoute({
  method: "delete",
  path: "/api/properties/{id}",
  tags,
  summary: "Close a property: it is let no more",
  description: "409 while it has bookings that have not ended.",
  ...asks("properties.change"),
  request: { params },
  responses: { 200: json(propertySchema, "The property"), ...problems(401, 403, 404, 409, 429) },
});

export function propertyRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const properties = new Properties(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const items = await properties.list(c.get("actor"), c.req.valid("query").site);
    return c.json({ items: items.map(toShape) }, 200);
  });

  app.openapi(create, async (c) => {
    const asker = askerOf(c);
    const { site: named, ...wanted } = c.req.valid("json");
    const site = await chosenSite(parts.store.db, asker.actor, "properties.change", named, "body");
    const made = await properties.create(asker, site, wanted, (work) => onceFor(parts, c, site.id, work));
    return c.json(toShape(made), 201);
  });

  app.openapi(read, async (c) => c.json(toShape(await properties.read(c.get("actor"), c.req.valid("param").id)), 200));

  app.openapi(change, async (c) =>
    c.json(toShape(await properties.change(askerOf(c), c.req.valid("param").id, c.req.valid("json"))), 200),
  );

  app.openapi(close, async (c) => c.json(toShape(await properties.close(askerOf(c), c.req.valid("param").id)), 200));

  return app;
}

function toShape({
  accessPoints,
  createdAt,
  closedAt,
  sparesAt: _,
  sparesReady,
  sparesProblem,
  ...property
}: Property) {
  const spares = { ready: sparesReady ?? 0, problem: sparesProblem };
  const moments = { createdAt: iso(createdAt), closedAt: isoOrNull(closedAt) };
  return { ...property, accessPoints: [...accessPoints], spares, ...moments };
}
