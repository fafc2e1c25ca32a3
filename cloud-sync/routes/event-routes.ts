/** What happened at the doors: filtered pages, newest first, and a live stream. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { eventTypes } from "../read-event.ts";
import { type EventRow, eventsSince, journalEnds, listEvents } from "../store/events.ts";
import { eventsOf } from "../store/wakes.ts";
import { asks } from "./asks.ts";
import { requireSite } from "./requests.ts";
import {
  epochNumber,
  fromPageMark,
  idText,
  iso,
  json,
  moment,
  nextField,
  pageQuery,
  problems,
  siteParams,
  toInstant,
  toPageMark,
} from "./shapes.ts";

const eventSchema = z
  .object({
    gateway: z.string(),
    epoch: z.number().int(),
    seq: z.number().int(),
    at: z.string().openapi({
      description:
        "The earliest it can have been, by its gateway; 1970 where that knew no time, as `event.clock` tells. That of its receipt when it could not be read.",
    }),
    receivedAt: z.string(),
    type: z.string().openapi({ example: "admitted" }),
    accessPoint: z.string().nullable(),
    grant: z.string().nullable(),
    reason: z.string().nullable().openapi({ example: "LIMIT_REACHED" }),
    event: z.any().openapi({ type: "object", description: "As the gateway wrote it; null when unreadable." }),
  })
  .openapi("Event");

const list = createRoute({
  method: "get",
  path: "/api/sites/{site}/events",
  tags: ["Events"],
  summary: "List events, newest first",
  ...asks("events.read"),
  request: {
    params: siteParams,
    query: z.strictObject({
      ...pageQuery,
      gateway: idText.optional(),
      accessPoint: idText.optional(),
      grant: idText.optional(),
      type: z.enum([...eventTypes, "unreadable"]).optional(),
      from: moment.optional(),
      until: moment.optional(),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(eventSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 404, 429),
  },
});

const stream = createRoute({
  method: "get",
  path: "/api/sites/{site}/events/stream",
  tags: ["Events"],
  summary: "Events as they arrive",
  description:
    "Server-sent events from now on, each gateway's in order. `Last-Event-ID` goes on where a stream broke off.",
  ...asks("events.read"),
  request: { params: siteParams },
  responses: {
    200: { description: "A stream", content: { "text/event-stream": { schema: z.string() } } },
    ...problems(400, 401, 403, 404, 429),
  },
});

const place = z.tuple([z.number().int(), idText, epochNumber, z.number().int()]);
const heardSchema = z.array(z.tuple([idText, z.object({ epoch: epochNumber, next: z.number().int() })])).max(1000);
const streamBatch = 500;
const keepAliveMs = 15_000;
const streamsMax = 100;

export function eventRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const { store, clock, logger, stopping } = parts;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  let streams = 0;

  /** Waits for news: false when there is some, or nobody listens any more. */
  const staysQuiet = async (woken: Promise<void>, signal: AbortSignal): Promise<boolean> => {
    const done = new AbortController();
    const slept = clock.sleep(keepAliveMs, AbortSignal.any([signal, done.signal])).then(
      () => true,
      () => false,
    );
    const quiet = await Promise.race([woken.then(() => false), slept]);
    done.abort();
    return quiet;
  };

  app.openapi(list, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const { limit, after, from, until, ...filter } = c.req.valid("query");
    const last = after === undefined ? undefined : fromPageMark(after, place);
    const found = await listEvents(store.db, site, {
      ...filter,
      limit: limit + 1,
      from: from === undefined ? undefined : toInstant(from),
      until: until === undefined ? undefined : toInstant(until),
      after: last && { at: last[0], gateway: last[1], epoch: last[2], seq: last[3] },
    });
    const page = found.slice(0, limit);
    const end = page.at(-1);
    const next = found.length > limit && end ? toPageMark([end.at, end.gatewayId, end.epoch, end.seq]) : null;
    return c.json({ items: page.map(toShape), next }, 200);
  });

  app.openapi(stream, async (c) => {
    const { site } = c.req.valid("param");
    await requireSite(parts, site);
    const mark = c.req.header("last-event-id");
    const heard = new Map(mark ? fromPageMark(mark, heardSchema) : await journalEnds(store.db, site));
    if (streams >= streamsMax) throw new HttpProblem(429, "too-many-streams", `At most ${streamsMax} streams at once.`);
    // Nobody would ever read this body, nor leave it.
    if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
    streams += 1;
    return streamSSE(c, async (out) => {
      const gone = new AbortController();
      out.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, stopping]);
      try {
        while (!signal.aborted) {
          const wake = store.wakes.next(eventsOf(site));
          try {
            const rows = await eventsSince(store.db, site, heard, streamBatch);
            for (const row of rows) {
              heard.set(row.gatewayId, { epoch: row.epoch, next: row.seq + 1 });
              await out.writeSSE({ id: toPageMark([...heard]), event: "event", data: JSON.stringify(toShape(row)) });
            }
            if (rows.length === 0 && (await staysQuiet(wake.woken, signal))) await out.write(": still here\n\n");
          } finally {
            wake.cancel();
          }
        }
      } catch (error) {
        // The stream ends; whoever listens comes back with the last id it has.
        logger.error("event-stream-failed", { site, error: error as Error });
      } finally {
        streams -= 1;
      }
    });
  });

  return app;
}

function toShape(row: EventRow) {
  return {
    gateway: row.gatewayId,
    epoch: row.epoch,
    seq: row.seq,
    at: iso(row.at),
    receivedAt: iso(row.receivedAt),
    type: row.type,
    accessPoint: row.accessPoint,
    grant: row.grantId,
    reason: row.reason,
    event: row.type === "unreadable" || row.body === null ? null : JSON.parse(row.body),
  };
}
