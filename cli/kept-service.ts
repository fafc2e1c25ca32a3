/** A service of ours that is started again when it ends by itself, as a service manager would: after a pause that grows. */
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import type { ServiceProcess } from "./service-process.ts";

export interface KeptServiceOptions {
  readonly name: string;
  readonly service: ServiceProcess;
  /** For one start, until its ready file is there. */
  readonly readyDeadlineMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the process has come or gone. */
  readonly onChange: () => void;
}

const pauseMinMs = 1_000;
const pauseMaxMs = 30_000;
/** What ran so long does not fail at every start: its next pause is the shortest again. */
const steadyMs = 60_000;

export class KeptService {
  readonly #options: KeptServiceOptions;
  /** Fires when it is no longer wanted. */
  #wanted: AbortController | undefined;
  #keeping: Promise<void> = Promise.resolve();

  constructor(options: KeptServiceOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#options.service.running;
  }

  /** Started and not stopped since; it may be on its way back all the same. */
  get wanted(): boolean {
    return this.#wanted !== undefined;
  }

  get pid(): number | undefined {
    return this.#options.service.pid;
  }

  /** Resolves with what the ready file says. Rejects as ServiceProcess does, and goes on trying all the same until it is stopped. */
  start(): Promise<Record<string, unknown>> {
    const { name, service, readyDeadlineMs } = this.#options;
    if (this.#wanted) throw new Error(`${name} is kept running already`);
    const wanted = new AbortController();
    this.#wanted = wanted;
    const first = service.start(readyDeadlineMs, wanted.signal);
    this.#keeping = this.#keep(first, wanted.signal);
    return first;
  }

  /** In order; it stays down until start(). */
  stop(): Promise<void> {
    return this.#end(() => this.#options.service.stop());
  }

  /** As a power cut would; it stays down until start(). */
  kill(): Promise<void> {
    return this.#end(() => this.#options.service.kill());
  }

  async #end(how: () => Promise<void>): Promise<void> {
    this.#wanted?.abort();
    this.#wanted = undefined;
    await how();
    await this.#keeping;
  }

  async #keep(first: Promise<unknown>, wanted: AbortSignal): Promise<void> {
    const { name, service, readyDeadlineMs, clock, logger, onChange } = this.#options;
    let starting = first;
    for (let pauseMs = pauseMinMs; ; pauseMs = Math.min(2 * pauseMs, pauseMaxMs)) {
      const begunAt = clock.monotonic();
      const why = await starting.then(
        () => onChange(),
        (error: Error) => error.message,
      );
      const exit = await service.ended;
      onChange();
      if (wanted.aborted) return;
      if (clock.monotonic() - begunAt >= steadyMs) pauseMs = pauseMinMs;
      // What the first start fails with, its caller is told.
      if (starting !== first || why === undefined)
        logger.warn("service-ended", { service: name, ...exit, ...(why !== undefined && { why }), againInMs: pauseMs });
      await clock.sleep(pauseMs, wanted).catch(() => undefined);
      if (wanted.aborted) return;
      starting = service.start(readyDeadlineMs, wanted);
    }
  }
}
