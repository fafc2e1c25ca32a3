/** What the service does by itself: how it went, and now. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { jobNames } from "../domain/job-names.ts";
import { JobsOfService } from "../jobs-of-service.ts";
import { asks } from "./asks.ts";
import { isoOrNull, json, momentOrNull, problems } from "./shapes.ts";

const tags = ["Jobs"];
const name = z.enum(jobNames).openapi({
  description:
    "bookings: reads sources. provisioning: makes, changes and takes away codes of stays. watch: looks after stays, and alarms. messages: tells guests. sweep: looks once a day whether a code has outlived its stay. housekeeping: what was kept long enough goes.",
});

const jobSchema = z
  .object({
    name,
    ranAt: momentOrNull.openapi({ description: "null: it has not run." }),
    tookMs: z.number().int().nullable(),
    done: z.number().int().nullable().openapi({ description: "How much there was to do; null: it failed." }),
    failed: z.boolean().openapi({ description: "The last run; the service's log says why, and it is tried again." }),
    goodAt: momentOrNull.openapi({ description: "When it last went well." }),
    nextAt: momentOrNull.openapi({
      description: "At the latest: most of them also run when there is something to do.",
    }),
  })
  .openapi("Job");

const list = createRoute({
  method: "get",
  path: "/api/jobs",
  tags,
  summary: "What the service does by itself, and how it went",
  ...asks("jobs.read"),
  responses: { 200: json(z.object({ items: z.array(jobSchema) }), "All of them"), ...problems(401, 403, 429) },
});

const run = createRoute({
  method: "post",
  path: "/api/jobs/{name}/run",
  tags,
  summary: "Run a job now",
  description: "It runs as soon as it can; the list tells what came of it. Sources and stays: those of your sites.",
  ...asks("jobs.run"),
  request: { params: z.object({ name }) },
  responses: { 202: { description: "It will" }, ...problems(400, 401, 403, 429) },
});

export function jobRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const jobs = new JobsOfService(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(list, async (c) => {
    const items = (await jobs.list()).map(({ ranAt, goodAt, nextAt, ...job }) => ({
      ...job,
      ranAt: isoOrNull(ranAt),
      goodAt: isoOrNull(goodAt),
      nextAt: isoOrNull(nextAt),
    }));
    return c.json({ items }, 200);
  });

  app.openapi(run, async (c) => {
    await jobs.run(askerOf(c), c.req.valid("param").name);
    return c.body(null, 202);
  });

  return app;
}
