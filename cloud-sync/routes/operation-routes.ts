/** For whoever runs the service: is it alive, can it serve, its figures. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { sql } from "drizzle-orm";
import { HttpProblem, problemSchema, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import type { Meters } from "../meters.ts";
import { json } from "./shapes.ts";

const tags = ["Operation"];
const state = z.object({ status: z.literal("ok"), version: z.string() });

const healthz = createRoute({
  method: "get",
  path: "/healthz",
  tags,
  summary: "The process answers",
  responses: { 200: json(state, "It does") },
});

const readyz = createRoute({
  method: "get",
  path: "/readyz",
  tags,
  summary: "The service can serve: its store answers",
  responses: {
    200: json(state, "It can"),
    503: {
      description: "The store does not answer, or the service is stopping",
      content: { "application/problem+json": { schema: problemSchema } },
    },
  },
});

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  tags,
  summary: "Figures for Prometheus",
  responses: { 200: { description: "Text format", content: { "text/plain": { schema: z.string() } } } },
});

export function operationRoutes({ store, version, stopping }: CloudParts, meters: Meters): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(healthz, (c) => c.json({ status: "ok" as const, version }, 200));

  app.openapi(readyz, async (c) => {
    if (stopping.aborted) throw new HttpProblem(503, "stopping", "The service is stopping.");
    await store.db.execute(sql`select 1`).catch(() => {
      throw new HttpProblem(503, "store-unreachable", "The store does not answer.");
    });
    return c.json({ status: "ok" as const, version }, 200);
  });

  app.openapi(metrics, async (c) => c.text(await meters.text(), 200, { "content-type": meters.contentType }));

  return app;
}
