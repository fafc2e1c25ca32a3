/** The one append-only truth of a gateway. Implemented by storage/file-journal.ts. */
import type { DeviceOrigin, EntryEvent, EventBody, EventSeq } from "../domain/entry-event.ts";
import type { JournalRecord } from "../domain/record.ts";

/** A record taken in: its effect is visible in the records at once (a reservation), and durable when `durable` resolves. */
export interface Recorded {
  /** Resolves when on the disk; rejects with `journal-failed` when the disk failed, after which nothing is admitted any more. */
  readonly durable: Promise<void>;
}

export interface RecordedEvent extends Recorded {
  readonly event: EntryEvent;
}

/** "full": only admissions and revocations fit, then nothing · "failed": a write or sync failed; the process must come back from its journal. */
export type JournalState = "open" | "full" | "failed" | "closed";

export interface EventBatch {
  readonly epoch: number;
  readonly first: EventSeq;
  /** Chain value before `first`; base64url SHA-256. */
  readonly prev: string;
  /** The chain's value after the last line: what the gateway signs. */
  readonly head: string;
  /** Exact bytes of each event's body as text, in order, without checksum and prev; see wire/journal-line.ts. */
  readonly lines: readonly string[];
}

export interface Journal {
  readonly state: JournalState;
  /** Number of the newest event that is on the disk; 0 when there is none. */
  readonly durableSeq: EventSeq;
  /** Chain value after `durableSeq`. */
  readonly head: string;
  /**
   * Stamps, applies and queues an event. Throws `storage-full` or `journal-failed` at once, having applied nothing.
   * `importance: "low"` (denials, telemetry) is refused first as the disk fills.
   */
  recordEvent(body: EventBody, options?: { origin?: DeviceOrigin; importance?: "high" | "low" }): RecordedEvent;
  /** The same for records the cloud is not told. */
  record(record: Exclude<JournalRecord, { kind: "event" }>): Recorded;
  /** Durable events from `first` on: at most `maxEvents` and about `maxBytes`; undefined when there are none. */
  eventsFrom(first: EventSeq, limit: { maxEvents: number; maxBytes: number }): Promise<EventBatch | undefined>;
  /** Resolves when everything taken in so far is on the disk; rejects with `journal-failed` when the disk failed. */
  flushed(): Promise<void>;
  /** Called after each group commit. Returns the way to stop listening. */
  onDurable(listener: () => void): () => void;
  close(): Promise<void>;
}
