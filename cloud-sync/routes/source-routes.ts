/** Sources of bookings: connected once, read by themselves from then on. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { SecretString } from "../../gateway/wire/secret.ts";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import { BookingSources, type HookSecrets, type Source } from "../booking-sources.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { chosenSite } from "../own-grants.ts";
import { ownUrl } from "../people/caller.ts";
import { sourceKinds } from "../sources/booking-source.ts";
import { asks } from "./asks.ts";
import { idText, iso, isoOrNull, json, jsonBody, momentOrNull, problems, words } from "./shapes.ts";

const tags = ["Sources of bookings"];
const params = z.object({ id: idText.openapi({ example: "source-7k3m9xw2pa3dq8fz" }) });

const key = z
  .string()
  .regex(/^[\x21-\x7e]{8,2000}$/, "is no key: 8 to 2000 printable characters without spaces")
  .openapi({
    description:
      "What the source is asked with: Lodgify's key; of a calendar, its export address. A webhook signs with it; left out, one is made and told " +
      "once. It is kept sealed and never told again.",
  });
const places = z.record(z.string().min(1).max(200), idText).openapi({
  description:
    "Which of its flats, or rooms of flats, are which property: 812 or 812/44 at Lodgify; of a calendar, which is of one, calendar; " +
    "of a webhook the messages' property, or property/unit.",
  example: { "812/44": "property-7k3m9xw2pa3dq8fz" },
});
const everyMinutes = z.number().int().min(2).max(1_440).openapi({
  description:
    "Left out: as is usual for its kind, 60 for Lodgify (5 at least), 15 for a calendar (2 at least); a webhook is not waited for.",
});
const options = z.record(z.string().min(1).max(40), z.unknown()).openapi({
  description:
    "Of Lodgify: `webhooks` (false): it sends word of what changes, where the service has a publicUrl; `signed` (false): word without a signature is refused; `keyCodes` (false): a code that " +
    "every door has confirmed is written beside its booking there. " +
    "Of a calendar: `closedIsStay` (true): Booking.com says the same of guests and of days that you have closed; false takes neither for a " +
    "stay. `hoursFromCalendar` (false): the hours that it names are when stays begin and end, instead of the property's. Of a webhook: `signature` (`standard`, as in " +
    "standardwebhooks.com, or `hmac`: SHA-256 of the body in hexadecimal), of the latter `header` (x-signature) and `prefix` (none); `kind` " +
    "(`stay`): what its new bookings are, `member` at a hub.",
  example: { closedIsStay: true },
});

const sourceSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    kind: z.enum(sourceKinds),
    name: z.string(),
    places: z.record(z.string(), z.string()),
    everyMinutes: z.number().int(),
    options: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
    closedAt: momentOrNull,
    nextAt: momentOrNull.openapi({ description: "When it is read next." }),
    ranAt: momentOrNull,
    goodAt: momentOrNull.openapi({ description: "When it was last read whole." }),
    result: z
      .union([
        z.object({
          read: z.number().int(),
          added: z.number().int(),
          changed: z.number().int(),
          held: z.number().int(),
          unknownPlaces: z
            .array(z.string())
            .openapi({ description: "Bookings of these are not taken: say which property they are." }),
        }),
        z.object({ failed: z.string() }),
      ])
      .nullable()
      .openapi({ description: "What came of it the last time; null: it has not been read." }),
  })
  .openapi("BookingSource");

const hookSchema = z.object({
  url: z
    .string()
    .openapi({ description: "Where it sends to. Whoever knows it and the secret can make and cancel bookings." }),
  secret: z.string().openapi({ description: "What it signs with. It is not told again." }),
});

const list = createRoute({
  method: "get",
  path: "/api/booking-sources",
  tags,
  summary: "List sources, by name, with how they were read last",
  ...asks("stays.read"),
  request: { query: z.strictObject({ site: idText.optional() }) },
  responses: { 200: json(z.object({ items: z.array(sourceSchema) }), "All of them"), ...problems(400, 401, 403, 429) },
});

const create = createRoute({
  method: "post",
  path: "/api/booking-sources",
  tags,
  summary: "Connect a source",
  ...asks("properties.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        site: idText.optional().openapi({ description: "May be left out by whoever belongs to one site alone." }),
        kind: z.enum(sourceKinds),
        name: words(200),
        key: key.optional(),
        places: places.default({}),
        everyMinutes: everyMinutes.optional(),
        options: options.default({}),
      }),
    ),
  },
  responses: {
    201: json(sourceSchema.extend({ hook: hookSchema.nullable() }), "The source, and where it sends to if it does"),
    ...problems(400, 401, 403, 409, 413, 415, 429),
  },
});

const read = createRoute({
  method: "get",
  path: "/api/booking-sources/{id}",
  tags,
  summary: "Read how a source is",
  ...asks("stays.read"),
  request: { params },
  responses: { 200: json(sourceSchema, "The source"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/booking-sources/{id}",
  tags,
  summary: "Change a source: its key, its places, how often it is read",
  ...asks("properties.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject({
          name: words(200).optional(),
          key: key.optional(),
          places: places.optional(),
          everyMinutes: everyMinutes.optional(),
          options: options.optional(),
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(sourceSchema, "The source"), ...problems(400, 401, 403, 404, 413, 415, 429) },
});

const close = createRoute({
  method: "delete",
  path: "/api/booking-sources/{id}",
  tags,
  summary: "Close a source: it is read no more",
  description: "What it told of stays, with its codes.",
  ...asks("properties.change"),
  request: { params },
  responses: { 200: json(sourceSchema, "The source"), ...problems(401, 403, 404, 429) },
});

const run = createRoute({
  method: "post",
  path: "/api/booking-sources/{id}/run",
  tags,
  summary: "Read a source now",
  ...asks("stays.change"),
  request: { params },
  responses: { 200: json(sourceSchema, "With what came of it"), ...problems(401, 403, 404, 409, 429) },
});

const rotate = createRoute({
  method: "post",
  path: "/api/booking-sources/{id}/rotate-secret",
  tags,
  summary: "Give a source that sends by itself another secret",
  description: "The one before is taken for a day beside it.",
  ...asks("properties.change"),
  request: { params },
  responses: { 200: json(hookSchema, "The new one, told once"), ...problems(401, 403, 404, 409, 429) },
});

const readPlaces = createRoute({
  method: "get",
  path: "/api/booking-sources/{id}/places",
  tags,
  summary: "What there is to be booked at a source",
  description: "It is asked now: that proves its key too. 409 with the reason when it does not answer.",
  ...asks("properties.change"),
  request: { params },
  responses: {
    200: json(
      z.object({ items: z.array(z.object({ id: z.string(), name: z.string() })) }),
      "Flats, and rooms of flats",
    ),
    ...problems(401, 403, 404, 409, 429),
  },
});

export function sourceRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const sources = new BookingSources(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const hookShape = (c: Context, { path, secret }: HookSecrets) => ({
    url: ownUrl(c, parts.publicUrl) + path,
    secret: secret.reveal(),
  });

  app.openapi(list, async (c) => {
    const items = await sources.list(c.get("actor"), c.req.valid("query").site);
    return c.json({ items: items.map(toShape) }, 200);
  });

  app.openapi(create, async (c) => {
    const asker = askerOf(c);
    const { site: named, key: secret, ...wanted } = c.req.valid("json");
    const site = await chosenSite(parts.store.db, asker.actor, "properties.change", named, "body");
    const given = secret === undefined ? undefined : new SecretString(secret);
    const { source, hook } = await sources.create(asker, site, { ...wanted, key: given });
    return c.json({ ...toShape(source), hook: hook && hookShape(c, hook) }, 201);
  });

  app.openapi(read, async (c) => c.json(toShape(await sources.read(c.get("actor"), c.req.valid("param").id)), 200));

  app.openapi(change, async (c) => {
    const { key: secret, ...wanted } = c.req.valid("json");
    const secretKey = secret === undefined ? undefined : new SecretString(secret);
    return c.json(
      toShape(await sources.change(askerOf(c), c.req.valid("param").id, { ...wanted, key: secretKey })),
      200,
    );
  });

  app.openapi(close, async (c) => c.json(toShape(await sources.close(askerOf(c), c.req.valid("param").id)), 200));

  app.openapi(run, async (c) => c.json(toShape(await sources.run(askerOf(c), c.req.valid("param").id)), 200));

  app.openapi(rotate, async (c) =>
    c.json(hookShape(c, await sources.rotate(askerOf(c), c.req.valid("param").id)), 200),
  );

  app.openapi(readPlaces, async (c) => {
    const items = await sources.places(c.get("actor"), c.req.valid("param").id);
    return c.json({ items: [...items] }, 200);
  });

  return app;
}

function toShape({
  createdAt,
  closedAt,
  nextAt,
  ranAt,
  goodAt,
  places: known,
  options: chosen,
  result,
  ...source
}: Source) {
  const told = result && "read" in result ? { ...result, unknownPlaces: [...result.unknownPlaces] } : result;
  const moments = { createdAt: iso(createdAt), closedAt: isoOrNull(closedAt), nextAt: isoOrNull(nextAt) };
  return {
    ...source,
    places: { ...known },
    options: { ...chosen },
    ...moments,
    ranAt: isoOrNull(ranAt),
    goodAt: isoOrNull(goodAt),
    result: told,
  };
}
