/** What gateways ask (wire/gateway-api.ts): the time, enrolment, the feed, their journal, their report. */
import { createHash } from "node:crypto";
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { compress } from "hono/compress";
import { attachmentBytesMax } from "../../gateway/ports/attachments.ts";
import { pollReplySchema } from "../../gateway/wire/feed.ts";
import {
  auditSchema,
  enrolledSchema,
  enrolSchema,
  epochSchema,
  isPlainText,
  pushHeadSchema,
  pushLimits,
  pushReplySchema,
  questionReplySchema,
  questionSchema,
  reportSchema,
  timeSchema,
} from "../../gateway/wire/gateway-api.ts";
import { limitBody, limitRate, RateLimiter } from "../../web/limits.ts";
import { fieldProblem, HttpProblem, invalidRequest, refuseInvalid } from "../../web/problem.ts";
import { type CloudEnv, gatewayOnly } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { takeQuestion } from "../host-questions.ts";
import type { Meters } from "../meters.ts";
import { callerOf, callingNetwork } from "../people/caller.ts";
import { gatewayRevoked, Polls, pollHeldMaxMs } from "../poll.ts";
import { keepAttachment } from "../store/attachments.ts";
import { finishAudit, takeAudit } from "../store/audit.ts";
import { enrol, takePlace, takeReport } from "../store/gateways.ts";
import { ingest } from "../store/ingest.ts";
import { gatewaySecurity, idText, json, jsonBody, problems } from "./shapes.ts";

const tags = ["Gateways' own requests"];
const gatewayParams = z.object({ gateway: idText });
const count = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const time = createRoute({
  method: "get",
  path: "/v1/time",
  tags,
  summary: "The service's time",
  responses: { 200: json(timeSchema, "Milliseconds since 1970 in UTC") },
});

const enrolment = createRoute({
  method: "post",
  path: "/v1/enrol",
  tags,
  summary: "Enrol with a one-time code",
  description:
    "The gateway makes its key pair and sends the public half; the code is used up. A code lives 15 minutes.",
  request: { body: jsonBody(enrolSchema) },
  responses: { 200: json(enrolledSchema, "The gateway's identity"), ...problems(400, 403, 413, 415, 429) },
});

const feed = createRoute({
  method: "get",
  path: "/v1/gateways/{gateway}/feed",
  tags,
  summary: "What changed since the cursor",
  description:
    "Held up to `waitMs` while there is nothing new. The cursor is the acknowledgement: send only what is on the disk.",
  security: gatewaySecurity,
  request: {
    params: gatewayParams,
    query: z.object({
      feed: z.string().max(64).refine(isPlainText, "has characters that cannot be printed").default(""),
      cursor: count.default(0),
      waitMs: z.coerce.number().min(0).max(pollHeldMaxMs).default(0),
      lastCommand: count.default(0),
      epoch: count.optional(),
      boot: count.optional(),
      beat: count.optional(),
      seq: count.optional(),
      head: z.string().length(43).optional(),
      headSignature: z.string().length(86).optional().openapi({
        description: "With epoch, boot, beat, seq and head: how far the journal goes, signed as in a push.",
      }),
      proto: z.coerce.number().int().min(1).default(1),
    }),
  },
  responses: { 200: json(pollReplySchema, "Rows in the order of their versions"), ...problems(400, 401, 403, 429) },
});

const journal = createRoute({
  method: "post",
  path: "/v1/gateways/{gateway}/journal",
  tags,
  summary: "Push events",
  description: "A line with the head, then each event's bytes as they stand in the journal, parted by newlines.",
  security: gatewaySecurity,
  request: {
    params: gatewayParams,
    body: { required: true, content: { "application/x-ndjson": { schema: z.string() } } },
  },
  responses: {
    200: json(pushReplySchema, "Taken up to `next`"),
    409: json(pushReplySchema, "Fenced by a newer epoch, or a different event is known under a number sent"),
    ...problems(400, 401, 403, 413, 429),
  },
});

const audit = createRoute({
  method: "post",
  path: "/v1/gateways/{gateway}/audit",
  tags,
  summary: "Give the account the cloud asked for",
  description:
    "After the cloud has lost history: rights and revocations as they stand on the gateway's disk, in parts.",
  security: gatewaySecurity,
  request: { params: gatewayParams, body: jsonBody(auditSchema) },
  responses: { 204: { description: "Taken" }, ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const attachment = createRoute({
  method: "put",
  path: "/v1/gateways/{gateway}/attachments/{sha256}",
  tags,
  summary: "Send a photo or sheet that an event has named",
  description: "404 until the event that names it has arrived; the same once more changes nothing.",
  security: gatewaySecurity,
  request: {
    params: gatewayParams.extend({ sha256: z.string().regex(/^[\da-f]{64}$/) }),
    body: {
      required: true,
      content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } },
    },
  },
  responses: { 204: { description: "Kept" }, ...problems(400, 401, 403, 404, 413, 429) },
});

const report = createRoute({
  method: "put",
  path: "/v1/gateways/{gateway}/report",
  tags,
  summary: "Report access points and devices",
  security: gatewaySecurity,
  request: { params: gatewayParams, body: jsonBody(reportSchema) },
  responses: { 204: { description: "Taken" }, ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const question = createRoute({
  method: "post",
  path: "/v1/gateways/{gateway}/questions",
  tags,
  summary: "Ask a host whether a visitor without a pass may come in",
  description: "The same `id` once more asks nobody twice. The answer comes as a command of a poll, and moves nothing.",
  security: gatewaySecurity,
  request: { params: gatewayParams, body: jsonBody(questionSchema) },
  responses: { 200: json(questionReplySchema, "Whether the host is told"), ...problems(400, 401, 403, 413, 415, 429) },
});

const epoch = createRoute({
  method: "post",
  path: "/v1/gateways/{gateway}/epoch",
  tags,
  summary: "Begin a new epoch, as after a restore",
  description:
    "The gateway comes back from its backup, without its journal: it begins an empty one. Every other card of it is fenced, and what that has not reported stays spent. The token carries no epoch.",
  security: gatewaySecurity,
  request: { params: gatewayParams },
  responses: { 200: json(epochSchema, "The epoch that begins"), ...problems(401, 403, 429) },
});

const enrolBytes = 4 * 1024;
/** Some more than a gateway means to send, because it counts before the newlines. */
const pushBytes = pushLimits.maxBytes * 2;
const reportBytes = 2 * 1024 * 1024;
const auditBytes = 4 * 1024 * 1024;
const questionBytes = 8 * 1024;

export function gatewayRoutes(parts: CloudParts, meters: Meters): OpenAPIHono<CloudEnv> {
  const { store, siteKeys, clock, logger } = parts;
  const monotonic = () => clock.monotonic();
  const enrolments = new RateLimiter({ burst: 10, perSecond: 10 / 60 }, monotonic);
  const newEpochs = new RateLimiter({ burst: 10, perSecond: 10 / 3600 }, monotonic);
  const requests = new RateLimiter({ burst: 200, perSecond: 100 }, monotonic);
  const failures = new RateLimiter({ burst: 30, perSecond: 0.5 }, monotonic);
  const polls = new Polls(parts);
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.use("/v1/enrol", limitBody(enrolBytes));
  app.use("/v1/gateways/:gateway/journal", limitBody(pushBytes));
  app.use("/v1/gateways/:gateway/report", limitBody(reportBytes));
  app.use("/v1/gateways/:gateway/audit", limitBody(auditBytes));
  app.use("/v1/gateways/:gateway/questions", limitBody(questionBytes));
  app.use("/v1/gateways/:gateway/attachments/*", limitBody(attachmentBytesMax.photo));
  app.use("/v1/gateways/:gateway/*", gatewayOnly(parts, failures));
  app.use(
    "/v1/gateways/:gateway/*",
    limitRate(requests, (c) => c.req.param("gateway") ?? ""),
  );

  // It begins when the answer stands, so it holds no poll; a poll without news is too small for it.
  // Only for GET: a refused method's answer would keep the header without being packed.
  app.get("/v1/gateways/:gateway/feed", compress({ encoding: "gzip" }));

  app.openapi(time, (c) => c.json({ serverTime: clock.wall() }, 200));

  app.openapi(enrolment, async (c) => {
    enrolments.demand(callingNetwork(c));
    const { code, publicKey } = c.req.valid("json");
    const row = await store.transaction((tx) => enrol(tx, code, publicKey, clock.wall()));
    if (!row) throw new HttpProblem(403, "enrolment-refused", "This code is wrong, used or older than 15 minutes.");
    await store.transaction((tx) => finishAudit(tx, row.siteId));
    const siteKey = await siteKeys.key(store.db, row.siteId);
    logger.info("gateway-enrolled", { site: row.siteId, gateway: row.id, epoch: row.epoch });
    const { siteId: site, id: gateway, name, epoch } = row;
    return c.json({ site, gateway, name, epoch, siteKey: siteKey.reveal() }, 200);
  });

  app.openapi(feed, async (c) => {
    const stopWaiting = meters.pollBegins();
    try {
      const body = await polls.answer(c.get("gateway"), c.req.valid("query"), c.req.raw.signal);
      // The rows go out as the text they were hashed from, so the body is not built by c.json. By its length compress knows a small one.
      const length = String(Buffer.byteLength(body));
      return c.body(body, 200, { "content-type": "application/json", "content-length": length }) as never;
    } finally {
      stopWaiting();
    }
  });

  app.openapi(journal, async (c) => {
    const gateway = c.get("gateway");
    const { head, lines } = readPush(new Uint8Array(await c.req.arrayBuffer()));
    const push = { site: gateway.siteId, gateway: gateway.id, head, lines };
    const result = await store.transaction((tx) => ingest(tx, push, clock.wall()));
    switch (result.outcome) {
      case "taken":
        meters.eventsTaken(result.added, result.parked);
        if (result.parked > 0) logger.warn("events-parked", { gateway: gateway.id, count: result.parked });
        return c.json({ outcome: "taken" as const, next: result.next }, 200);
      case "fork":
        logger.error("journal-forked", { site: gateway.siteId, gateway: gateway.id, seq: result.seq });
        return c.json(result, 409);
      case "fenced":
        logger.warn("gateway-fenced", { gateway: gateway.id, epoch: result.epoch });
        return c.json(result, 409);
      case "refused":
        throw fieldProblem("body", result.why);
    }
  });

  app.openapi(audit, async (c) => {
    const gateway = c.get("gateway");
    const part = c.req.valid("json");
    const taken = await store.transaction((tx) => takeAudit(tx, gateway, part, clock.wall()));
    if (taken !== "taken")
      throw fieldProblem(taken === "fenced" ? "body.epoch" : "body.feed", "has ended; poll and begin again", 409);
    if (part.complete) {
      await store.transaction((tx) => finishAudit(tx, gateway.siteId));
      logger.info("account-given", { site: gateway.siteId, gateway: gateway.id });
    }
    return c.body(null, 204);
  });

  app.openapi(epoch, async (c) => {
    const gateway = c.get("gateway");
    newEpochs.demand(gateway.id);
    const row = await store.transaction((tx) => takePlace(tx, gateway, clock.wall()));
    if (!row) throw gatewayRevoked();
    await store.transaction((tx) => finishAudit(tx, row.siteId));
    logger.warn("gateway-restored", { site: row.siteId, gateway: row.id, epoch: row.epoch });
    return c.json({ epoch: row.epoch }, 200);
  });

  app.openapi(report, async (c) => {
    const taken = await store.transaction((tx) => takeReport(tx, c.get("gateway"), c.req.valid("json"), clock.wall()));
    if (taken !== undefined)
      throw fieldProblem("body.accessPoints", `another gateway in service has the access point ${taken}`, 409);
    return c.body(null, 204);
  });

  app.openapi(question, async (c) => {
    const reply = await takeQuestion(parts, c.get("gateway"), c.req.valid("json"), callerOf(c));
    return c.json(reply, 200);
  });

  app.openapi(attachment, async (c) => {
    const { siteId: site, id: gateway } = c.get("gateway");
    const { sha256 } = c.req.valid("param");
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    if (createHash("sha256").update(bytes).digest("hex") !== sha256)
      throw fieldProblem("body", "is not what the address names");
    const kept = await store.transaction((tx) => keepAttachment(tx, { site, gateway }, sha256, bytes));
    if (kept === "not-named") throw new HttpProblem(404, "not-named", "No event that has arrived names it.");
    return c.body(null, 204);
  });

  return app;
}

const newline = 0x0a;

function readPush(body: Uint8Array): { head: z.infer<typeof pushHeadSchema>; lines: Uint8Array[] } {
  const lines = linesOf(body);
  const first = lines.shift();
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(first ?? []).toString("utf8"));
  } catch {
    throw fieldProblem("body", "the first line is not JSON");
  }
  const head = pushHeadSchema.safeParse(value);
  if (!head.success) throw invalidRequest("body", head.error);
  if (lines.length > pushLimits.maxEvents) {
    throw new HttpProblem(413, "body-too-large", `A push has at most ${pushLimits.maxEvents} events.`);
  }
  return { head: head.data, lines };
}

/** A newline at the very end ends the last line and begins none. */
function linesOf(body: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = body.indexOf(newline); end >= 0; end = body.indexOf(newline, start)) {
    lines.push(body.subarray(start, end));
    start = end + 1;
  }
  if (start < body.length) lines.push(body.subarray(start));
  return lines;
}
