/** A serial port over its whole life: opened by a name that stays, lost when it is pulled out, opened again when it is back. */
import type { Millis } from "../../domain/instant.ts";
import type { DriverContext } from "../../ports/driver.ts";
import { openTty, portsHere, type Tty, type TtyOptions } from "./tty.ts";
import { within } from "./within.ts";

export interface SerialLineEvents {
  /** The port is open and nothing was said on it. What is awaited here comes before anybody may write; one that rejects ends this life of it. */
  onOpen(tty: Tty, lost: AbortSignal): Promise<void>;
  onBytes(bytes: Buffer): void;
  /** It was usable, and is no more; not told of stop(). */
  onLost(why: string): void;
}

/** Between two tries. A person who has plugged it in again waits no longer than that. */
const pauseMs = { least: 250, most: 5_000 };
const openDeadlineMs: Millis = 5_000;
/** The names of the kernel move when devices are plugged in another order. */
const movingName = /^\/dev\/tty(USB|ACM)\d+$/;

export class SerialLine {
  readonly #where: TtyOptions;
  readonly #context: Pick<DriverContext, "clock" | "logger">;
  readonly #events: SerialLineEvents;
  #running: { readonly stopped: AbortController; readonly ended: Promise<void> } | undefined;
  #tty: Tty | undefined;
  /** Ends this life of the port. */
  #lose: ((why: string) => void) | undefined;
  #complaint: string | undefined;

  constructor(where: TtyOptions, context: Pick<DriverContext, "clock" | "logger">, events: SerialLineEvents) {
    this.#where = where;
    this.#context = context;
    this.#events = events;
  }

  /** Why it is not open, in a sentence for people; undefined while it is, and before the first try has ended. */
  get complaint(): string | undefined {
    return this.#complaint;
  }

  get isStarted(): boolean {
    return this.#running !== undefined;
  }

  /** Returns at once; that it is open shows in onOpen. */
  start(): void {
    if (this.#running) return;
    this.#complaint = undefined;
    if (movingName.test(this.#where.path))
      this.#context.logger.warn("port-may-move", {
        port: this.#where.path,
        hint: "Name it by /dev/serial/by-id/… instead: this name changes when devices are plugged in another order.",
      });
    const stopped = new AbortController();
    this.#running = { stopped, ended: this.#keep(stopped.signal) };
  }

  /** Resolves when the port is closed. */
  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stopped.abort();
    await running?.ended;
  }

  /** "taken": the kernel has it whole · "untaken": nothing of it has left. Nothing waits: what cannot leave now does not leave. */
  write(bytes: Uint8Array): "taken" | "untaken" | "in-doubt" {
    if (!this.#tty) return "untaken";
    try {
      if (this.#tty.write(bytes) === bytes.length) return "taken";
      this.renew("the device has stopped taking");
      return "in-doubt";
    } catch (error) {
      this.renew(`writing failed: ${(error as NodeJS.ErrnoException).code ?? "no reason given"}`);
      return "untaken";
    }
  }

  /** Closes it and opens it again. */
  renew(why: string): void {
    this.#lose?.(why);
  }

  async #keep(stopped: AbortSignal): Promise<void> {
    const { clock, logger } = this.#context;
    for (let pause = pauseMs.least; !stopped.aborted; pause = Math.min(pause * 2, pauseMs.most)) {
      const { why, wasUsable } = await this.#live(stopped);
      if (stopped.aborted) return;
      if (wasUsable) pause = pauseMs.least;
      if (why !== this.#complaint) {
        this.#complaint = why;
        logger.warn("port-not-open", { port: this.#where.path, why });
      }
      await clock.sleep(pause * (1 + Math.random() / 2), stopped).catch(() => undefined);
    }
  }

  /** From opening to the end of it. */
  async #live(stopped: AbortSignal): Promise<{ readonly why: string; readonly wasUsable: boolean }> {
    const lost = new AbortController();
    const over = AbortSignal.any([stopped, lost.signal]);
    this.#lose = (why) => lost.abort(new Error(why));
    let tty: Tty | undefined;
    let wasUsable = false;
    try {
      tty = await this.#open((why) => this.#lose?.(why));
      over.throwIfAborted();
      await this.#events.onOpen(tty, over);
      over.throwIfAborted();
      this.#tty = tty;
      wasUsable = true;
      this.#complaint = undefined;
      this.#context.logger.info("port-open", { port: this.#where.path });
      await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
      return { why: `${this.#where.path} is lost: ${reasonOf(over)}`, wasUsable };
    } catch (error) {
      return { why: await this.#explain(error as Error), wasUsable };
    } finally {
      this.#tty = undefined;
      this.#lose = undefined;
      if (wasUsable && !stopped.aborted) this.#events.onLost(reasonOf(over));
      await tty?.close().catch((error: Error) => this.#context.logger.debug("close-failed", { error }));
    }
  }

  /** One that opens after its deadline is closed again. */
  async #open(onGone: (why: string) => void): Promise<Tty> {
    const opening = openTty(this.#where, { onBytes: (bytes) => this.#events.onBytes(bytes), onGone });
    let isLate = false;
    opening.then(
      (tty) => (isLate ? tty.close() : undefined),
      () => undefined,
    );
    try {
      return await within(this.#context.clock, openDeadlineMs, [], (late) =>
        Promise.race([
          opening,
          new Promise<never>((_, reject) => late.addEventListener("abort", () => reject(late.reason))),
        ]),
      );
    } catch (error) {
      isLate = true;
      throw error;
    }
  }

  async #explain(error: Error): Promise<string> {
    const { path } = this.#where;
    const { message } = error;
    if (/No such (file|device)/i.test(message)) {
      const here = await portsHere();
      const there = here.length > 0 ? `there are: ${here.join(", ")}` : "no serial port is plugged in at all";
      return `options.port: there is no ${path}; ${there}`;
    }
    if (/lock|busy|unavailable/i.test(message))
      return `options.port: another program, or another device of this file, has ${path}`;
    if (/denied|permitted/i.test(message))
      return `options.port: this user may not open ${path}; add the user to the group that owns it (dialout on Debian)`;
    return `options.port: ${path} does not work: ${message}`;
  }
}

function reasonOf(signal: AbortSignal): string {
  return signal.reason instanceof Error ? signal.reason.message : "it was stopped";
}
