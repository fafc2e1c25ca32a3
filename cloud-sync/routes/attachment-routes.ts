/** Photos of visitors, and what guards wrote of them, for whoever may see the events that name them. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { Passes } from "../passes.ts";
import { readAttachment } from "../store/attachments.ts";
import { asks } from "./asks.ts";
import { requireSite } from "./requests.ts";
import { idText, json, notFound, problems, siteParams } from "./shapes.ts";

const sha256 = z.string().regex(/^[\da-f]{64}$/, "64 hex digits");
const jpeg = {
  description: "A JPEG",
  content: { "image/jpeg": { schema: z.string().openapi({ format: "binary" }) } },
};
const photoHeaders = {
  "content-type": "image/jpeg",
  "cache-control": "private, max-age=3600, immutable",
  "content-disposition": 'inline; filename="visitor.jpg"',
} as const;

const photo = createRoute({
  method: "get",
  path: "/api/sites/{site}/photos/{sha256}",
  tags: ["Events"],
  summary: "A photo that an event's `scan` names",
  description: "404 also while it has not arrived, and once it is past its days.",
  ...asks("events.read"),
  request: { params: siteParams.extend({ sha256 }) },
  responses: { 200: jpeg, ...problems(400, 401, 403, 404, 429) },
});

const sheet = createRoute({
  method: "get",
  path: "/api/sites/{site}/sheets/{sha256}",
  tags: ["Events"],
  summary: "What a guard wrote of a visit, that an event's `scan` names",
  ...asks("events.read"),
  request: { params: siteParams.extend({ sha256 }) },
  responses: {
    200: json(
      z.object({
        name: z.string().optional(),
        type: z.string().optional(),
        document: z.string().optional(),
        hostName: z.string().optional(),
        note: z.string().optional(),
      }),
      "The sheet",
    ),
    ...problems(400, 401, 403, 404, 429),
  },
});

const photoOfPass = createRoute({
  method: "get",
  path: "/api/passes/{id}/photos/{sha256}",
  tags: ["Passes"],
  summary: "A photo of an entry with this pass",
  ...asks("passes.read"),
  request: { params: z.object({ id: idText, sha256 }) },
  responses: { 200: jpeg, ...problems(400, 401, 403, 404, 429) },
});

export function attachmentRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store } = parts;
  const passes = new Passes(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(photo, async (c) => {
    const { site, sha256: id } = c.req.valid("param");
    await requireSite(parts, site);
    const bytes = await readAttachment(store.db, site, "photo", id);
    if (!bytes) throw notFound(`photo ${id}`);
    return c.body(Buffer.from(bytes), 200, photoHeaders) as never;
  });

  app.openapi(sheet, async (c) => {
    const { site, sha256: id } = c.req.valid("param");
    await requireSite(parts, site);
    const bytes = await readAttachment(store.db, site, "sheet", id);
    if (!bytes) throw notFound(`sheet ${id}`);
    const { salt: _, ...written } = JSON.parse(Buffer.from(bytes).toString());
    return c.json(written, 200);
  });

  app.openapi(photoOfPass, async (c) => {
    const { id, sha256: name } = c.req.valid("param");
    const { site } = await passes.read(c.get("actor"), id);
    const bytes = await readAttachment(store.db, site, "photo", name, id);
    if (!bytes) throw notFound(`photo ${name}`);
    return c.body(Buffer.from(bytes), 200, photoHeaders) as never;
  });

  return app;
}
