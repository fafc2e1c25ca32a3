/** The HTTP API behind the control page: every POST is a physical act and answers with the state after it. */
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import { limitBody } from "../web/limits.ts";
import { HttpProblem, invalidRequest, problemResponse, type RequestIdEnv, requestId } from "../web/problem.ts";
import type { BookedStays } from "./booked-stays.ts";
import type { FaultRates } from "./faults.ts";
import { addControlPage } from "./page.tsx";
import type { PlayedActs, PlayedLock } from "./played-lock.ts";
import type { RemoteUnlocks } from "./remote-unlocks.ts";
import { loopbackNamesOnly, sameOriginOnly } from "./same-origin.ts";
import type { SiteProcesses, SiteStateWatch } from "./site-state.ts";
import { addStayActs } from "./stay-acts.ts";
import { addTimeActs, type TimeMachine } from "./time-machine.ts";

export interface ControlParts {
  readonly watch: SiteStateWatch;
  readonly boxes: readonly PlayedLock[];
  readonly locks: readonly PlayedLock[];
  readonly unlocks?: RemoteUnlocks | undefined;
  readonly internet?: { set(on: boolean): void } | undefined;
  readonly processes?: SiteProcesses | undefined;
  readonly stays?: BookedStays | undefined;
  readonly time?: TimeMachine | undefined;
  /** Only this machine can reach it, so only by its own names. */
  readonly onLoopback: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the streams. */
  readonly stopping: AbortSignal;
}

export type ControlApp = Hono<RequestIdEnv>;

const bodyBytes = 4_096;
const streamsMax = 32;
const keepAliveMs = 15_000;

const share = z.number().min(0).max(1).exactOptional();
const holdUpMs = z.number().int().min(0).max(10_000).exactOptional();

/** What can be done to a lock: the body it takes, and the act. */
const acts = {
  pin: act("enterPin", z.strictObject({ digits: z.string().regex(/^\d{1,16}$/, "1 to 16 digits") }), (body, lock) => {
    if (!lock.view().powered) throw new HttpProblem(409, "no-power", `${lock.id} has no power; its keypad is dark.`);
    return body.digits;
  }),
  door: act("moveDoor", z.strictObject({ open: z.boolean() }), ({ open }) => open),
  turn: act("turn", z.strictObject({ to: z.enum(["released", "secured"]) }), ({ to }) => to),
  online: act("setOnline", z.strictObject({ on: z.boolean() }), ({ on }) => on),
  power: act("setPower", z.strictObject({ on: z.boolean() }), ({ on }) => on),
  jam: act("setJam", z.strictObject({ on: z.boolean() }), ({ on }) => on),
  tamper: act("setTamper", z.strictObject({ active: z.boolean() }), ({ active }) => active),
  battery: act("drainBattery", z.strictObject({ percent: z.number().int().min(0).max(100) }), ({ percent }) => percent),
  line: act(
    "setLine",
    z.strictObject({
      lose: share,
      delayMs: holdUpMs,
      repeat: share,
      garble: share,
      disconnect: share,
      noReply: share,
      lateReplyMs: holdUpMs,
    } satisfies Record<keyof FaultRates, unknown>),
    (rates) => rates,
  ),
} as const satisfies Record<string, Act>;

const onBody = z.strictObject({ on: z.boolean() });
const runningBody = z.strictObject({ running: z.boolean() });
const noBody = z.strictObject({});

export function controlApp(parts: ControlParts): ControlApp {
  const { watch, boxes, locks, unlocks, internet, processes, stays, time, clock, logger, stopping } = parts;
  const app = new Hono<RequestIdEnv>();
  let streams = 0;
  const moving = new Set<string>();

  app.use(requestId());
  app.use(async (c, next) => {
    await next();
    c.header("x-content-type-options", "nosniff");
    if (c.req.path.startsWith("/api/")) c.header("cache-control", "no-store");
  });
  if (parts.onLoopback) app.use(loopbackNamesOnly());
  app.use("/api/*", sameOriginOnly());
  app.use("/api/*", limitBody(bodyBytes));
  app.notFound((c) => {
    throw new HttpProblem(404, "not-found", `There is no ${c.req.method} ${c.req.path}.`);
  });
  app.onError((error, c) =>
    problemResponse(c, error, (fault, id) => logger.error("request-failed", { requestId: id, error: fault })),
  );

  addControlPage(app);

  app.get("/api/state", (c) => c.json(watch.state()));

  app.get("/api/stream", (c) => {
    if (streams >= streamsMax) throw new HttpProblem(429, "too-many-streams", `At most ${streamsMax} streams at once.`);
    streams += 1;
    return streamSSE(c, async (out) => {
      const gone = new AbortController();
      out.onAbort(() => gone.abort());
      const ended = AbortSignal.any([gone.signal, stopping]);
      let news = new AbortController();
      const unsubscribe = watch.onChange(() => news.abort());
      try {
        let isNew = true;
        while (!ended.aborted) {
          if (isNew) {
            news = new AbortController();
            await out.writeSSE({ data: JSON.stringify(watch.state()) });
          } else await out.write(": still here\n\n");
          isNew = await clock.sleep(keepAliveMs, AbortSignal.any([ended, news.signal])).then(
            () => false,
            () => true,
          );
        }
      } finally {
        unsubscribe();
        streams -= 1;
      }
    });
  });

  for (const [name, carryOut] of Object.entries(acts)) {
    app.post(`/api/:place{boxes|locks}/:id/${name}`, async (c) => {
      await carryOut(found(c.req.param()), c.req);
      watch.refresh();
      return c.json(watch.state());
    });
  }

  app.post("/api/:place{boxes|locks}/:id/unlock", async (c) => {
    const { id } = found(c.req.param());
    await bodyOf(c.req, noBody);
    if (!unlocks) throw new HttpProblem(409, "no-cloud", "This simulator has no cloud to ask that of.");
    const accessPoint = watch.accessPointOf(id);
    if (accessPoint === undefined)
      throw new HttpProblem(409, "no-such-door", `The gateway has told of no door that ${id} holds.`);
    await unlocks.ask(accessPoint, stopping);
    watch.refresh();
    return c.json(watch.state());
  });

  app.post("/api/internet", async (c) => {
    const { on } = await bodyOf(c.req, onBody);
    if (!internet) throw new HttpProblem(409, "no-cable", "This simulator has no line between gateway and cloud.");
    internet.set(on);
    logger.info("internet-switched", { on });
    watch.refresh();
    return c.json(watch.state());
  });

  app.post("/api/cloud", async (c) => {
    const { running } = await bodyOf(c.req, runningBody);
    await moveProcess("cloud", async (of) => {
      if (running !== of.cloudWanted()) await (running ? of.startCloud() : of.stopCloud());
    });
    return c.json(watch.state());
  });

  app.post("/api/gateway/kill", async (c) => {
    await bodyOf(c.req, noBody);
    await moveProcess("gateway", (of) => of.killGateway());
    return c.json(watch.state());
  });

  if (stays) addStayActs(app, { stays, watch, stopping });
  if (time) addTimeActs(app, { time, watch });

  return app;

  function found({ place, id }: { readonly place: string; readonly id: string }): PlayedLock {
    const one = (place === "boxes" ? boxes : locks).find((lock) => lock.id === id);
    if (!one) throw new HttpProblem(404, "no-such-lock", `There is no "${id}" among the ${place}.`);
    return one;
  }

  /** One wish at a time for each program: a second one meanwhile is refused, not queued. */
  async function moveProcess(what: "cloud" | "gateway", move: (of: SiteProcesses) => Promise<void>): Promise<void> {
    if (!processes)
      throw new HttpProblem(409, "not-ours", `The ${what} was not started by this simulator; act on it where it runs.`);
    if (moving.has(what)) throw new HttpProblem(409, "busy", `The ${what} is just being stopped or started.`);
    moving.add(what);
    try {
      await move(processes);
    } catch (error) {
      logger.error("process-move-failed", { what, error: error instanceof Error ? error : String(error) });
      throw new HttpProblem(503, "process-failed", `The ${what} did not do as told; the demo's log says why.`);
    } finally {
      moving.delete(what);
      watch.refresh();
    }
  }
}

/** Reads its own body from the request and does it. */
type Act = (lock: PlayedLock, request: BodyRequest) => Promise<void>;

interface BodyRequest {
  json(): Promise<unknown>;
}

/** `wishOf`: what the act takes, out of the body. A lock that lacks the act has no such address. */
function act<Name extends keyof PlayedActs, T>(
  name: Name,
  shape: z.ZodType<T>,
  wishOf: (body: T, lock: PlayedLock) => Parameters<NonNullable<PlayedActs[Name]>>[0],
): Act {
  return async (lock, request) => {
    const carryOut = lock.acts[name] as ((wish: unknown) => void) | undefined;
    if (!carryOut) throw new HttpProblem(404, "no-such-act", `${lock.id} has nothing to do that with.`);
    carryOut(wishOf(await bodyOf(request, shape), lock));
  };
}

async function bodyOf<T>(request: BodyRequest, shape: z.ZodType<T>): Promise<T> {
  const body = await request.json().catch((error: unknown) => {
    if (error instanceof SyntaxError) throw new HttpProblem(400, "malformed-json", "The body is not JSON.");
    throw error;
  });
  const read = shape.safeParse(body);
  if (!read.success) throw invalidRequest("body", read.error);
  return read.data;
}
