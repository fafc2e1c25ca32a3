/**
 * The life of a service as a process: start, ready, then until a signal. SIGTERM and SIGINT stop it in order, a second one at
 * once; SIGHUP reloads what can be reloaded; a bug is logged and ends the process, which comes back from its journal.
 */
import type { Logger } from "../gateway/ports/logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { removeReadyFile, writeReadyFile } from "./ready-file.ts";
import { endTransformer } from "./transformer.ts";

export interface RunningService {
  stop(): Promise<void>;
  /** SIGHUP. Without it SIGHUP stops the service. */
  reload?(): Promise<void>;
}

export interface ServiceLife<S extends RunningService> {
  readonly logger: Logger;
  /**
   * `stopping` fires when a signal comes while it starts; what it resolves with is stopped then. `fail` ends the process with exit
   * code 1 after an orderly stop, for what the service cannot live with. `tell` writes the ready file anew while it stands.
   */
  start(life: { readonly stopping: AbortSignal; fail(error: Error): void; tell(facts: object): void }): Promise<S>;
  readonly readyFile?: string | undefined;
  /** How long an orderly stop may take; 5 s when left out. */
  readonly stopDeadlineMs?: number;
  /** What the ready file says, and whatever a person is told at the start. */
  ready?(running: S): object | Promise<object>;
}

const usualStopDeadlineMs = 5_000;
/** Longest delay a timer takes; only to keep the process alive while nothing else does. */
const longMs = 2 ** 31 - 1;
/** One Ctrl-C comes several times: from the terminal, from npm, from the Node that started this one. */
const sameKeyPressMs = 500;

/** Resolves with the exit code after a signal or a failure; rejects when the start does. */
export async function runService<S extends RunningService>(life: ServiceLife<S>): Promise<number> {
  const { logger, readyFile, stopDeadlineMs = usualStopDeadlineMs } = life;
  const stopping = new AbortController();
  const ended = Promise.withResolvers<number>();
  let running: S | undefined;
  let askedAt: number | undefined;
  let reloading: Promise<void> = Promise.resolve();
  let isReady = false;
  let telling: Promise<void> = Promise.resolve();

  const end = (code: number) => {
    stopping.abort();
    ended.resolve(code);
  };
  const fail = (error: Error) => {
    logger.error("service-failed", { error });
    // Its start may hang on what failed.
    watchStop();
    end(1);
  };
  const tell = (facts: object) => {
    telling = telling
      .then(async () => {
        if (isReady && readyFile !== undefined && !stopping.signal.aborted) await writeReadyFile(readyFile, facts);
      })
      .catch((error: Error) => logger.error("ready-file-failed", { error }));
  };
  const onStop = (signal: NodeJS.Signals) => {
    if (askedAt !== undefined) {
      if (systemClock.monotonic() - askedAt > sameKeyPressMs) process.exit(1);
      return;
    }
    askedAt = systemClock.monotonic();
    logger.info("stop-asked", { signal });
    watchStop();
    end(0);
  };
  const onReload = () => {
    if (!running) return;
    if (!running.reload) return onStop("SIGHUP");
    const reload = running.reload.bind(running);
    reloading = reloading.then(reload).then(
      () => logger.info("reloaded"),
      (error: Error) => logger.error("reload-failed", { error }),
    );
  };
  const onBug = (error: unknown) => {
    logger.error("uncaught-error", {
      ...(error instanceof Error && { error }),
      stack: error instanceof Error ? error.stack : typeof error,
    });
    process.exit(1);
  };
  const alive = setInterval(() => undefined, longMs);
  const stopped = new AbortController();
  let isWatched = false;
  const watchStop = () => {
    if (isWatched) return;
    isWatched = true;
    systemClock.sleep(stopDeadlineMs, stopped.signal).then(
      () => {
        logger.error("stop-too-slow", { afterMs: stopDeadlineMs });
        process.exit(1);
      },
      () => undefined,
    );
  };

  // Started by the demo, a service does not outlive it, however that ends.
  const onOrphaned = () => onStop("SIGTERM");
  process.channel?.unref();
  process.once("disconnect", onOrphaned);
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", onReload).on("uncaughtException", onBug);
  try {
    if (readyFile !== undefined) await removeReadyFile(readyFile);
    try {
      running = await life.start({ stopping: stopping.signal, fail, tell });
    } catch (error) {
      if (!stopping.signal.aborted) throw error;
      return await ended.promise;
    }
    try {
      if (!stopping.signal.aborted) {
        endTransformer();
        const facts = await life.ready?.(running);
        if (readyFile !== undefined) await writeReadyFile(readyFile, facts ?? {});
        isReady = true;
        logger.info("ready");
      }
      return await ended.promise;
    } finally {
      watchStop();
      await telling;
      if (readyFile !== undefined) await removeReadyFile(readyFile);
      await running.stop();
      logger.info("stopped");
    }
  } finally {
    stopped.abort();
    clearInterval(alive);
    process.off("disconnect", onOrphaned);
    process.off("SIGTERM", onStop).off("SIGINT", onStop).off("SIGHUP", onReload).off("uncaughtException", onBug);
  }
}
