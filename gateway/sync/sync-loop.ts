/**
 * When the cloud is asked: one long-poll after the other, a push whenever events are on the disk, a report when the hardware's
 * state changed. A failure waits with full jitter and never touches a lock.
 */
import { type Cursor, noCursor } from "../domain/feed.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { CloudLink, GatewayReport, PollReply } from "../ports/cloud-link.ts";
import type { Journal } from "../ports/journal.ts";
import type { Logger } from "../ports/logger.ts";
import { pushLimits } from "../wire/gateway-api.ts";
import { accountOf } from "./account.ts";

export interface SyncParts {
  readonly link: CloudLink;
  readonly records: SiteRecords;
  readonly journal: Journal;
  readonly epoch: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** [0, 1). */
  readonly random: () => number;
  /** Takes a reply in (flows/reconcile-site.ts). */
  readonly reconcile: (
    reply: PollReply,
    askedAt: Monotonic,
    answeredAt: Monotonic,
  ) => Promise<{ cursor: Cursor; set: "complete" | "partial" | "mismatch" }>;
  readonly report: () => GatewayReport;
  /** The whole set has come, at the start or after a time offline. */
  readonly onOnline: () => void;
  /** What follows when records were lost; without it the site stays shut. */
  readonly renewal?: EpochRenewal | undefined;
}

/**
 * After damage nobody knows what this gateway's entries were spent on, nor which numbers its lost events had: it begins anew in an epoch
 * of its own, without entries and with an empty journal.
 */
export interface EpochRenewal {
  /** The cloud was asked before, and its answer was lost: it may hold this epoch for ended. */
  readonly isAsked: boolean;
  /** Resolves when the new epoch is on the disk; the process has to start again then. Rejects when the cloud could not be asked. */
  begin(signal: AbortSignal): Promise<void>;
}

export type SyncState = "never" | "online" | "offline" | "revoked" | "fenced" | "forked";

type Loop = "poll" | "push" | "report";

const longPollMs: Millis = 25_000;
const retryFirstMs: Millis = 1_000;
const retryMaxMs: Millis = 15_000;
/** The report is sent again at the latest then, and looked at for changes this often. */
const reportEveryMs: Millis = 5 * 60_000;
const reportLookMs: Millis = 5_000;
const epochLeftMs: Millis = 60_000;

export class SyncLoop {
  readonly #parts: SyncParts;
  #state: SyncState = "never";
  #running: Promise<unknown> = Promise.resolve();
  /** Resolves the push loop's wait. */
  #wake: () => void = () => undefined;
  /** One for each loop: fires when the cloud has answered another of them since its step began. */
  readonly #others = new Map<Loop, AbortController>();
  #cursor: Cursor = noCursor;
  /** The last poll was answered, and the whole set is here; whatever became of the push. */
  #isCaughtUp = false;
  /** Polls so far. */
  #beat = 0;
  /** A poll was answered: what the cloud has of the journal is known. */
  #isHeard = false;
  /** The cloud has events that are lost here; what stands under their numbers must not go out. */
  #cloudIsAhead = false;
  /** A new epoch was asked for: nothing is told in this one any more. */
  #isLeaving = false;
  /** The cloud waits for this gateway's account, which an epoch that has ended could not give. */
  #owesAccount = false;
  /** When the cloud last confirmed events. */
  #confirmedAt: Monotonic = Number.NEGATIVE_INFINITY;
  /** The last set did not add up: once more at once, then with growing pauses. */
  #hadMismatch = false;

  constructor(parts: SyncParts) {
    this.#parts = parts;
    this.#isLeaving = parts.renewal?.isAsked ?? false;
  }

  get state(): SyncState {
    return this.#state;
  }

  /** Events the cloud does not have yet. */
  get queue(): number {
    return this.#parts.journal.durableSeq - this.#parts.records.acknowledged + 1;
  }

  /** Runs until `signal` fires; stopped() then resolves. */
  start(signal: AbortSignal): void {
    const unsubscribe = this.#parts.journal.onDurable(() => this.#wake());
    signal.addEventListener("abort", () => {
      unsubscribe();
      this.#wake();
    });
    this.#cursor = firstCursor(this.#parts);
    this.#running = Promise.all([
      this.#repeat("poll", signal, () => this.#poll(signal)),
      this.#repeat("push", signal, () => this.#push(signal)),
      this.#repeat("report", signal, this.#reporter(signal)),
    ]);
  }

  async stopped(): Promise<void> {
    await this.#running;
  }

  /**
   * Runs `step` over and over; after a failure it waits: full jitter below a bound that doubles. When the cloud answers another loop
   * it asks again at once and begins anew; only so often, because a cloud may answer the others and not this one.
   */
  async #repeat(loop: Loop, signal: AbortSignal, step: () => Promise<void>): Promise<void> {
    const { clock, random, logger } = this.#parts;
    let failures = 0;
    let wokenAt: Monotonic = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      const others = new AbortController();
      this.#others.set(loop, others);
      try {
        await step();
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#note(loop, error);
        if (this.#isFinal(error)) {
          // The epoch that this gateway has ended itself is answered no more.
          if (this.#isLeaving && loop !== "push") logger.info("epoch-ended", { loop });
          else logger.error("sync-ended", { loop, state: this.#state, error: error as Error });
          return;
        }
        failures += 1;
        const waitMs = random() * Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(failures, 10));
        logger.warn(`${loop}-failed`, { error: error as Error, waitMs: Math.round(waitMs) });
        const mayWake = clock.monotonic() - wokenAt >= retryMaxMs;
        const until = mayWake ? AbortSignal.any([signal, others.signal]) : signal;
        await clock.sleep(waitMs, until).catch(() => {
          [failures, wokenAt] = [0, clock.monotonic()];
        });
      }
    }
  }

  /** The cloud has answered this loop, so it is there for the others. */
  #answered(loop: Loop): void {
    for (const [other, others] of this.#others) if (other !== loop) others.abort();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    const { link, records, journal, epoch, clock } = this.#parts;
    const askedAt = clock.monotonic();
    // The first poll after a failure is not held, so that the gateway knows at once that it is back.
    const waitMs = this.#isCaughtUp ? longPollMs : 0;
    this.#beat += 1;
    const request = {
      cursor: this.#cursor,
      waitMs,
      lastCommand: records.lastCommand,
      journal: { epoch, seq: journal.durableSeq, head: journal.head, boot: records.boot, beat: this.#beat },
    };
    const reply = await link.poll(request, signal);
    this.#answered("poll");
    this.#owesAccount = reply.auditWanted ?? false;
    this.#compareJournals(reply);
    const { cursor, set } = await this.#parts.reconcile(reply, askedAt, clock.monotonic());
    this.#cursor = cursor;
    this.#rewind(reply, askedAt);
    if (reply.auditWanted && cursor.feed === reply.page.feed) await this.#giveAccount(cursor.feed, signal);
    if (set === "mismatch" && this.#hadMismatch) {
      throw new GatewayError("cloud-refused", "the site's set does not add up to the cloud's, fetched anew or not");
    }
    this.#hadMismatch = set === "mismatch";
    this.#isCaughtUp = set === "complete";
    if (set === "complete" && (this.#state === "offline" || this.#state === "never")) {
      this.#parts.logger.info("cloud-online", { feed: cursor.feed, version: cursor.version });
      this.#state = "online";
      this.#parts.onOnline();
      this.#wake();
    }
    if (reply.retryAfterMs) await clock.sleep(Math.min(reply.retryAfterMs, retryMaxMs), signal);
  }

  /** Events that the cloud has and this disk has not were lost here with whatever else stood there: an older image of the card, a lost end. */
  #compareJournals({ journalNext }: PollReply): void {
    const { records, journal, logger } = this.#parts;
    const lines = (journalNext ?? 0) - 1 - journal.durableSeq;
    if (lines > 0) {
      // On a full disk the last ones may only wait to be written once more.
      if (journal.state !== "open") return;
      this.#cloudIsAhead = true;
      logger.error("journal-behind-the-cloud", { last: journal.durableSeq, lost: lines });
      if (!records.suspect) journal.recordEvent({ type: "damage", file: "journal", line: 0, lines });
    }
    this.#isHeard = true;
    this.#wake();
  }

  /** The cloud has lost events it once confirmed: they are sent again. A push confirmed meanwhile knows better. */
  #rewind({ journalNext }: PollReply, askedAt: Monotonic): void {
    const { records, journal, logger } = this.#parts;
    if (journalNext === undefined || journalNext >= records.acknowledged || this.#confirmedAt >= askedAt) return;
    logger.warn("cloud-lost-events", { from: journalNext, confirmed: records.acknowledged });
    journal.record({ kind: "acknowledged", next: journalNext });
    this.#wake();
  }

  /** The feed it is of is on the disk already, and so must all be that it tells. */
  async #giveAccount(feed: string, signal: AbortSignal): Promise<void> {
    const { link, records, journal, epoch } = this.#parts;
    const parts = accountOf(records, feed, epoch);
    await journal.flushed();
    for (const part of parts) await link.audit(part, signal);
    this.#owesAccount = false;
    this.#wake();
  }

  async #push(signal: AbortSignal): Promise<void> {
    const { records, renewal } = this.#parts;
    if (!this.#mayPush()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        if (signal.aborted || this.#mayPush()) resolve();
      });
      return;
    }
    if (renewal && (records.suspect || this.#isLeaving)) return this.#leaveEpoch(renewal, signal);
    try {
      await this.#pushBatch(signal);
    } catch (error) {
      if (renewal && isReleased(error)) {
        this.#parts.logger.error("events-released", { from: records.acknowledged, error: error as Error });
        this.#isLeaving = true;
        return;
      }
      // A fork, too: this disk tells another story than it told before, as after an older image of the card was put back.
      if (records.suspect || !(isDamage(error) || this.#state === "forked")) throw error;
      this.#parts.logger.error("event-lost", { seq: records.acknowledged, error: error as Error });
      this.#parts.journal.recordEvent({ type: "damage", file: "journal", line: 0, lines: 1 });
    }
  }

  #mayPush(): boolean {
    const { records, renewal } = this.#parts;
    if (this.#owesAccount && (this.#isLeaving || records.suspect)) return false;
    if (this.#isLeaving) return true;
    return this.#isHeard && (this.queue > 0 || (records.suspect && renewal !== undefined));
  }

  /** Tells what can still be told, up to the first event that is lost, and then begins a new epoch. */
  async #leaveEpoch(renewal: EpochRenewal, signal: AbortSignal): Promise<void> {
    const { clock, logger, epoch } = this.#parts;
    try {
      while (!this.#isLeaving && !this.#cloudIsAhead && this.queue > 0) await this.#pushBatch(signal);
    } catch (error) {
      if (!isDamage(error) && this.#state !== "forked") throw error;
    }
    this.#isLeaving = true;
    logger.error("epoch-left", { epoch, untold: this.queue });
    await renewal.begin(signal);
    // The process ends; it must not ask for one more.
    while (!signal.aborted) await clock.sleep(epochLeftMs, signal);
  }

  async #pushBatch(signal: AbortSignal): Promise<void> {
    const { link, records, journal, clock } = this.#parts;
    const batch = await journal.eventsFrom(records.acknowledged, pushLimits);
    if (!batch)
      throw new GatewayError("journal-damaged", `event ${records.acknowledged} is not in the journal any more`);
    const reply = await link.push(batch, signal);
    this.#answered("push");
    switch (reply.outcome) {
      case "taken":
        if (reply.next === records.acknowledged)
          throw new GatewayError("cloud-refused", `the cloud did not take event ${reply.next}`);
        if (reply.next > batch.first + batch.lines.length)
          throw new GatewayError("cloud-refused", `the cloud confirms event ${reply.next - 1}, which it was not sent`);
        journal.record({ kind: "acknowledged", next: reply.next });
        this.#confirmedAt = clock.monotonic();
        if (reply.retryAfterMs) await clock.sleep(Math.min(reply.retryAfterMs, retryMaxMs), signal);
        return;
      case "fenced":
        throw new GatewayError("gateway-fenced", `another card (epoch ${reply.epoch}) has taken this gateway's place`);
      case "fork":
        this.#state = "forked";
        throw new GatewayError(
          "cloud-refused",
          `the cloud holds a different event ${reply.seq}; two gateways with one identity?`,
        );
    }
  }

  #reporter(signal: AbortSignal): () => Promise<void> {
    let sent = "";
    let sentAt = Number.NEGATIVE_INFINITY;
    return async () => {
      const { link, clock, report } = this.#parts;
      const current = report();
      const text = JSON.stringify(current);
      if (text !== sent || clock.monotonic() - sentAt > reportEveryMs) {
        await link.report(current, signal);
        this.#answered("report");
        [sent, sentAt] = [text, clock.monotonic()];
      }
      await clock.sleep(reportLookMs, signal);
    };
  }

  #note(loop: Loop, error: unknown): void {
    if (loop === "poll") {
      this.#isCaughtUp = false;
      if (this.#state === "online" || this.#state === "never") this.#state = "offline";
    }
    if (!(error instanceof GatewayError)) return;
    if (error.code === "gateway-fenced" && !(this.#isLeaving && loop !== "push")) this.#state = "fenced";
    if (error.code === "gateway-revoked") this.#state = "revoked";
  }

  /** Nothing that waiting would mend: a revoked or fenced gateway stops asking. */
  #isFinal(error: unknown): boolean {
    return error instanceof GatewayError && (error.code === "gateway-revoked" || error.code === "gateway-fenced");
  }
}

/** The records' own, unless they hold what an older version could not read: then the whole set comes once more. */
function firstCursor({ records, logger }: SyncParts): Cursor {
  if (!records.asksAnew) return records.cursor;
  logger.info("set-asked-anew", { why: "rows that the version before could not read" });
  return noCursor;
}

/** The cloud was restored to before what this gateway still keeps: it can be told no more in this epoch, though nothing is lost here. */
function isReleased(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "events-released";
}

function isDamage(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === "journal-damaged";
}
