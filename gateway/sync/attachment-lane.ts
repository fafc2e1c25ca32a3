/** Brings photos and sheets of visits to the cloud: never before the events that name them, one at a time, and again until they are taken. */
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { VisitsView } from "../domain/visits.ts";
import { GatewayError } from "../errors.ts";
import type { AttachmentId, AttachmentLink, Attachments } from "../ports/attachments.ts";
import type { Clock } from "../ports/clock.ts";
import type { Journal } from "../ports/journal.ts";
import type { Logger } from "../ports/logger.ts";

export interface AttachmentLaneOptions {
  readonly attachments: Attachments;
  readonly link: AttachmentLink;
  readonly journal: Pick<Journal, "onDurable">;
  readonly visits: VisitsView;
  /** Events that the cloud does not have yet. */
  readonly queue: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Somebody came back on line unnoticed, or an attempt failed. */
const againMs: Millis = 30_000;
/** A guard took a photo and let nobody in with it: no event will ever name it. */
const orphanMs: Millis = 24 * 3_600_000;
const firstPauseMs: Millis = 60_000;
const pauseMsMax: Millis = 3_600_000;

export class AttachmentLane {
  readonly #options: AttachmentLaneOptions;
  /** Those that no visit here names: since when, as far as this process has seen, and when the cloud is asked next. */
  readonly #unnamed = new Map<
    AttachmentId,
    { readonly since: Monotonic; readonly nextAt: Monotonic; readonly pauseMs: Millis }
  >();

  constructor(options: AttachmentLaneOptions) {
    this.#options = options;
  }

  /** Resolves once `signal` fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { journal, clock, queue, attachments } = this.#options;
    let wake = new AbortController();
    // The cloud's acknowledgement is itself a line of the journal, so the end of the queue is heard here.
    const stopListening = journal.onDurable(() => {
      if (queue() === 0 && attachments.waiting().length > 0) wake.abort();
    });
    try {
      while (!signal.aborted) {
        if (queue() === 0) await this.#sendAll(signal);
        await clock.sleep(againMs, AbortSignal.any([wake.signal, signal])).catch(() => undefined);
        wake = new AbortController();
      }
    } finally {
      stopListening();
    }
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const { attachments, visits, logger } = this.#options;
    const named = new Set<AttachmentId>();
    for (const { photo, sheet } of visits.newest())
      for (const id of [photo, sheet]) if (id !== undefined) named.add(id);
    // Those that a visit here names come first; of the others the cloud may know, and is asked less and less often.
    const waiting = attachments.waiting().toSorted((a, b) => Number(named.has(b)) - Number(named.has(a)));
    for (const id of waiting) {
      if (signal.aborted) return;
      if (!named.has(id) && !this.#isDue(id)) continue;
      try {
        await this.#send(id, named.has(id), signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.info("attachment-waits", { waiting: waiting.length, error: error as Error });
        // Without a line the others would fare no better; what is this one's own trouble is not theirs.
        if (error instanceof GatewayError && error.code === "cloud-unreachable") return;
      }
    }
  }

  async #send(id: AttachmentId, isNamed: boolean, signal: AbortSignal): Promise<void> {
    const { attachments, link, logger } = this.#options;
    const kept = await attachments.read(id).catch(() => undefined);
    if (!kept) {
      logger.error("attachment-unreadable", { id });
      return attachments.sent(id);
    }
    const answer = await link.attach(id, kept.bytes, signal);
    if (answer === "not-named" && (isNamed || !this.#isOrphan(id))) return;
    if (answer !== "taken") logger.warn("attachment-not-taken", { id, answer });
    this.#unnamed.delete(id);
    await attachments.sent(id);
  }

  /** Photos are large, and lines are paid for. */
  #isDue(id: AttachmentId): boolean {
    const now = this.#options.clock.monotonic();
    const known = this.#unnamed.get(id);
    if (known && now < known.nextAt) return false;
    const pauseMs = known ? Math.min(2 * known.pauseMs, pauseMsMax) : firstPauseMs;
    this.#unnamed.set(id, { since: known?.since ?? now, nextAt: now + pauseMs, pauseMs });
    return known !== undefined;
  }

  #isOrphan(id: AttachmentId): boolean {
    const known = this.#unnamed.get(id);
    return known !== undefined && this.#options.clock.monotonic() - known.since > orphanMs;
  }
}
