/** Visitors' passes: invite, list, change, withdraw, the QR code, and what happened at the gates. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { guestUrl } from "../guest/guest-pass.ts";
import { type Pass, visitorTypes, type WantedPass } from "../pass.ts";
import { type HistoryEvent, historyTypes, Passes } from "../passes.ts";
import { ownUrl } from "../people/caller.ts";
import { qrPng, qrSvg } from "../qr-picture.ts";
import { grantStates, stateFilters } from "../store/grants.ts";
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

const tags = ["Visitors' passes"];
const params = z.object({ id: idText.openapi({ example: "grant-7k3m9xw2pa3dq8fz" }) });
const entries = z
  .number()
  .int()
  .min(1)
  .max(1_000_000)
  .nullable()
  .openapi({ description: "null: as often as the visitor likes.", example: 1 });
const visitorType = z.enum(visitorTypes);
const documentNum = words(64);
const notes = words(1_000);
const windows = weeklyWindows.min(1);

const passSchema = z
  .object({
    id: z.string(),
    site: z.string(),
    recordUid: z
      .string()
      .nullable()
      .openapi({ description: "What stands in the QR code; null: not for whoever asks.", example: "VIS-10482-KQX" }),
    visitorId: z.string(),
    visitorName: z.string(),
    visitorType: z.string().nullable(),
    host: z.string().nullable(),
    barred: z
      .boolean()
      .nullable()
      .openapi({ description: "It, its visitor or their document is on the blacklist; null: not for whoever asks." }),
    state: z.enum(grantStates),
    createdBy: z.string(),
    createdAt: z.string(),
    validFrom: z.string(),
    validUntil: z.string(),
    revokedAt: momentOrNull,
    accessPoints: z.array(z.string()),
    windows: weeklyWindows.nullable().openapi({ description: "Weekly hours; null: any hour." }),
    entriesAllowed: z.number().int().nullable(),
    entriesUsed: z.number().int().openapi({ description: "As far as the gateways have told." }),
    documentNum: z.string().nullable(),
    notes: z.string().nullable(),
  })
  .openapi("Pass");

const list = createRoute({
  method: "get",
  path: "/api/passes",
  tags,
  summary: "List visitors' passes, newest first",
  description: "A resident sees their own alone.",
  ...asks("passes.read"),
  request: {
    query: z.strictObject({
      ...pageQuery,
      site: idText.optional(),
      state: z
        .enum(stateFilters)
        .optional()
        .openapi({ description: "open: upcoming and active; past: ended and withdrawn." }),
      name: words(200).optional().openapi({ description: "Part of the visitor's name." }),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(passSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/passes",
  tags,
  summary: "Invite a visitor",
  ...asks("passes.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        site: idText.optional().openapi({ description: "May be left out by whoever belongs to one site alone." }),
        again: idText.optional().openapi({ description: "An earlier pass of the same visitor." }),
        visitorName: words(200),
        visitorType: visitorType.default("Guest"),
        host: words(200)
          .optional()
          .openapi({ description: "Left out: whoever invites; a resident invites in no other name." }),
        documentNum: documentNum.optional(),
        notes: notes.optional(),
        validity: z
          .enum(["today", "week", "custom"])
          .default("today")
          .openapi({ description: "today, week: until its last midnight at the site. custom: from … until." }),
        from: siteMoment.optional(),
        until: siteMoment.optional().openapi({ description: "A year after it begins at most." }),
        windows: windows.optional(),
        entriesAllowed: entries.default(1),
        accessPoints: accessPointIds.optional().openapi({ description: "Left out: the only one the site has." }),
      }),
    ),
  },
  responses: { 201: json(passSchema, "The pass"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const read = createRoute({
  method: "get",
  path: "/api/passes/{id}",
  tags,
  summary: "Read a pass",
  ...asks("passes.read"),
  request: { params },
  responses: { 200: json(passSchema, "The pass"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/passes/{id}",
  tags,
  summary: "Change a pass",
  description: "An end that is not in the future ends it now.",
  ...asks("passes.change"),
  request: {
    params,
    body: jsonBody(
      z
        .strictObject({
          visitorName: words(200).optional(),
          visitorType: visitorType.optional(),
          documentNum: documentNum.nullable().optional(),
          notes: notes.nullable().optional(),
          until: siteMoment.optional(),
          entriesAllowed: entries.optional(),
          windows: windows.nullable().optional(),
        })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(passSchema, "The pass"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const remove = createRoute({
  method: "delete",
  path: "/api/passes/{id}",
  tags,
  summary: "Withdraw a pass, for ever",
  ...asks("passes.change"),
  request: { params },
  responses: { 200: json(passSchema, "The pass"), ...problems(401, 403, 404, 429) },
});

const qrRoute = <T extends "svg" | "png">(kind: T, type: "image/svg+xml" | "image/png") =>
  createRoute({
    method: "get",
    path: `/api/passes/{id}/qr.${kind}`,
    tags,
    summary: `The QR code, as a picture (${kind.toUpperCase()})`,
    description: "It holds the pass's uid and nothing else; error correction level L. 409 once the pass was withdrawn.",
    ...asks("passes.change"),
    request: { params },
    responses: {
      200: { description: "A picture", content: { [type]: { schema: z.string() } } },
      ...problems(401, 403, 404, 409, 429),
    },
  });
const qrSvgRoute = qrRoute("svg", "image/svg+xml");
const qrPngRoute = qrRoute("png", "image/png");

const readSigned = createRoute({
  method: "get",
  path: "/api/passes/{id}/signed",
  tags,
  summary: "The signed form of a pass",
  description:
    "What stands in the second QR code, which opens the pass's home gate even when that has been cut off since before the pass was made. Good for a day at most, and made anew at each request. null: the site has none, the pass lets nobody in within the day, or its home gate was given no entry of it.",
  ...asks("passes.change"),
  request: { params },
  responses: {
    200: json(
      z.object({ text: z.string(), validFrom: z.string(), validUntil: z.string() }).nullable(),
      "The text of the QR code",
    ),
    ...problems(401, 403, 404, 429),
  },
});

const linkSchema = z.object({
  url: z.string().openapi({ description: "Whoever has it sees the pass." }),
});

const readLink = createRoute({
  method: "get",
  path: "/api/passes/{id}/link",
  tags,
  summary: "The link for the visitor",
  description: "null: none was made, or it is forgotten.",
  ...asks("passes.change"),
  request: { params },
  responses: { 200: json(linkSchema.nullable(), "The link"), ...problems(401, 403, 404, 429) },
});

const renewLink = createRoute({
  method: "post",
  path: "/api/passes/{id}/link",
  tags,
  summary: "Make a new link for the visitor",
  description: "The one before leads nowhere from then on; the QR code stays good.",
  ...asks("passes.change"),
  request: { params },
  responses: { 201: json(linkSchema, "The link"), ...problems(401, 403, 404, 409, 429) },
});

const history = createRoute({
  method: "get",
  path: "/api/passes/{id}/history",
  tags,
  summary: "What happened with a pass at the gates, newest first",
  ...asks("passes.read"),
  request: { params },
  responses: {
    200: json(
      z.object({
        items: z.array(
          z.object({
            at: z.string(),
            receivedAt: z.string().openapi({ description: "Later than `at` by as long as the gateway was cut off." }),
            isLate: z.boolean().openapi({ description: "Learnt more than two minutes after it happened." }),
            type: z.enum(historyTypes),
            accessPoint: z.string().nullable(),
            guard: z.string().nullable().openapi({ description: "The name of the guard who scanned the pass." }),
            reason: z.string().nullable().openapi({ description: "Of a denial." }),
            photo: z
              .string()
              .nullable()
              .openapi({ description: "Path of the visitor's photo, if one was taken; it may come later." }),
          }),
        ),
      }),
      "The newest events",
    ),
    ...problems(401, 403, 404, 429),
  },
});

export function passRoutes(parts: CloudParts, passes = new Passes(parts)): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const { after, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([z.number().int(), idText]));
    const { items, next } = await passes.list(c.get("actor"), {
      ...filter,
      after: place && { createdAt: place[0], id: place[1] },
    });
    return c.json({ items: items.map(toShape), next: next ? toPageMark([next.createdAt, next.id]) : null }, 200);
  });

  app.openapi(create, async (c) => {
    const asker = askerOf(c);
    const { site: named, validity, from, until, ...wanted } = c.req.valid("json");
    const site = await passes.siteOf(asker.actor, "passes.change", named, "body");
    const order = { ...wanted, validity: toValidity({ validity, from, until }, site.zone) };
    const id = await passes.create(asker, site, order, (work) => onceFor(parts, c, site.id, work));
    return c.json(toShape(await passes.read(asker.actor, id)), 201);
  });

  app.openapi(read, async (c) => c.json(toShape(await passes.read(c.get("actor"), c.req.valid("param").id)), 200));

  app.openapi(change, async (c) => {
    const { id } = c.req.valid("param");
    const { until, ...more } = c.req.valid("json");
    const asker = askerOf(c);
    const { zone } = await passes.read(asker.actor, id);
    await passes.change(asker, id, { ...more, until: until === undefined ? undefined : toInstantAt(until, zone) });
    return c.json(toShape(await passes.read(asker.actor, id)), 200);
  });

  app.openapi(remove, async (c) => {
    const { id } = c.req.valid("param");
    const asker = askerOf(c);
    await passes.revoke(asker, id);
    return c.json(toShape(await passes.read(asker.actor, id)), 200);
  });

  app.openapi(qrSvgRoute, async (c) => {
    const uid = await passes.uid(c.get("actor"), c.req.valid("param").id);
    return c.body(qrSvg(uid), 200, { "content-type": "image/svg+xml", "cache-control": "no-store" });
  });

  app.openapi(qrPngRoute, async (c) => {
    const uid = await passes.uid(c.get("actor"), c.req.valid("param").id);
    return c.body(qrPng(uid), 200, { "content-type": "image/png", "cache-control": "no-store" });
  });

  app.openapi(readSigned, async (c) => {
    const signed = await passes.signed(c.get("actor"), c.req.valid("param").id);
    c.header("cache-control", "no-store");
    if (!signed) return c.json(null, 200);
    const { text, validity } = signed;
    return c.json({ text, validFrom: iso(validity.from), validUntil: iso(validity.until) }, 200);
  });

  app.openapi(readLink, async (c) => {
    const token = await passes.link(c.get("actor"), c.req.valid("param").id);
    return c.json(token === undefined ? null : { url: guestUrl(ownUrl(c, parts.publicUrl), token) }, 200);
  });

  app.openapi(renewLink, async (c) => {
    const token = await passes.renewLink(askerOf(c), c.req.valid("param").id);
    return c.json({ url: guestUrl(ownUrl(c, parts.publicUrl), token) }, 201);
  });

  app.openapi(history, async (c) => {
    const events = await passes.history(c.get("actor"), c.req.valid("param").id);
    return c.json({ items: events.map(toHistory) }, 200);
  });

  return app;
}

function toValidity(
  {
    validity,
    from,
    until,
  }: { validity: "today" | "week" | "custom"; from?: string | undefined; until?: string | undefined },
  zone: string,
): WantedPass["validity"] {
  if (validity !== "custom") {
    if (from !== undefined || until !== undefined)
      throw fieldProblem(`body.${from === undefined ? "until" : "from"}`, 'goes with the validity "custom" alone');
    return validity;
  }
  if (until === undefined) throw fieldProblem("body.until", "say until when");
  return { from: from === undefined ? undefined : toInstantAt(from, zone), until: toInstantAt(until, zone) };
}

function toShape({ zone: _, ...pass }: Pass) {
  return {
    ...pass,
    createdAt: iso(pass.createdAt),
    validFrom: iso(pass.validFrom),
    validUntil: iso(pass.validUntil),
    revokedAt: isoOrNull(pass.revokedAt),
    accessPoints: [...pass.accessPoints],
    windows: pass.windows === null ? null : pass.windows.map((one) => ({ ...one, days: [...one.days] })),
  };
}

function toHistory({ at, receivedAt, isLate, type, accessPoint, guard, reason, photo }: HistoryEvent) {
  return { at: iso(at), receivedAt: iso(receivedAt), isLate, type, accessPoint, guard, reason, photo };
}
