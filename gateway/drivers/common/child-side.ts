/**
 * The child's side of a supervised child (supervised-child.ts): a module of ours calls serveParent() and is told what to do. It says that
 * it lives, and does not outlive its parent.
 */
import { Socket } from "node:net";
import { Worker } from "node:worker_threads";
import type { z } from "zod";
import { BoundedLines } from "./bounded-lines.ts";
import { beatMs, frameBytesMax, frameOf, type Order, orderSchema, readFrame, type Word } from "./child-frames.ts";

/** The descriptor of the line to the parent, which opens it. */
const lineFd = 3;
/** For the last words to leave. */
const farewellMs = 1_000;

/** What the parent hears besides answers. */
export interface ParentLine<News> {
  tell(news: News): void;
  /** Goes to the gateway's log. No secrets. */
  log(
    level: "debug" | "info" | "warn" | "error",
    event: string,
    fields?: Readonly<Record<string, string | number | boolean>>,
  ): void;
  /** Says why and ends the process, which is not started again for `awayMs`. */
  end(why: string, awayMs: number): void;
}

export interface ChildWork<Ask, Answer> {
  /** One that rejects is a bug, and ends the process. */
  answer(ask: Ask): Promise<Answer>;
  /** Finishes what must not be left half done; the parent has some seconds' patience. */
  end?(): Promise<void>;
}

export interface ChildDuty<Begin, Ask, Answer, News> {
  readonly begin: z.ZodType<Begin>;
  readonly ask: z.ZodType<Ask>;
  /** Called once, with what the parent says first. From its return on the parent may ask. */
  start(begin: Begin, parent: ParentLine<News>): ChildWork<Ask, Answer>;
}

/** Once per process, and for as long as it lives. */
export function serveParent<Begin, Ask, Answer, News>(duty: ChildDuty<Begin, Ask, Answer, News>): void {
  const line = new Socket({ fd: lineFd });
  const say = (word: Word) => {
    if (!line.writableEnded) line.write(frameOf(word));
  };
  const leave = (code: number) => {
    setTimeout(() => process.exit(code), farewellMs).unref();
    line.end(() => process.exit(code));
  };
  const parent: ParentLine<News> = {
    tell: (news) => say({ word: "news", news }),
    log: (level, event, fields) => say({ word: "log", level, event, ...(fields && { fields }) }),
    end: (why, awayMs) => {
      say({ word: "end", why: why.slice(0, 300), awayMs });
      leave(0);
    },
  };
  let work: ChildWork<Ask, Answer> | undefined;
  let isEnding = false;

  const obey = async (order: Order) => {
    switch (order.order) {
      case "begin":
        if (work) throw new Error("told to begin twice");
        work = duty.start(duty.begin.parse(order.begin), parent);
        return say({ word: "ready" });
      case "ask": {
        if (!work) throw new Error("asked before it was told to begin");
        return say({ word: "answer", id: order.id, answer: await work.answer(duty.ask.parse(order.ask)) });
      }
      case "end":
        if (isEnding) return;
        isEnding = true;
        await work?.end?.();
        return leave(0);
    }
  };
  const orders = new BoundedLines(frameBytesMax, (text) => {
    const order = readFrame(orderSchema, text);
    if (!order) throw new Error("the parent said what cannot be read");
    void obey(order);
  });

  const goneWithParent = () => process.exit(0);
  line.on("data", (chunk: Buffer) => orders.push(chunk));
  line.on("end", goneWithParent).on("error", goneWithParent).on("close", goneWithParent);
  setInterval(() => say({ word: "beat", rss: process.memoryUsage.rss() }), beatMs).unref();
  // Signals of a terminal go to all its processes; this one ends with its parent, not beside it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  new Worker(new URL("end-with-parent.mjs", import.meta.url), {
    workerData: { parent: Number(process.argv[2]) },
    // What a program is started with besides is not for it.
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  }).unref();
}
