/** Durable events for the cloud: the newest from memory, older ones from the segments. */
import { join } from "node:path";
import type { EventSeq } from "../domain/entry-event.ts";
import type { Disk } from "../ports/disk.ts";
import { isEventLine } from "../wire/journal-line.ts";
import type { KnownSegment } from "./journal-recovery.ts";
import { readLines, readSegment, recordOf, segmentFile } from "./journal-segment.ts";

export interface DurableEvent {
  readonly seq: EventSeq;
  /** Chain value before it. */
  readonly prev: string;
  /** JSON text of the event as it stands in its line. */
  readonly text: string;
}

export interface EventLimit {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

const recentMax = 4096;
const recentBytesMax = 2 * 1024 * 1024;
const linesPerTurn = 250;

/** The newest events, so that the usual push reads no file. */
export class RecentEvents {
  #events: DurableEvent[] = [];
  #start = 0;
  #bytes = 0;

  add(event: DurableEvent): void {
    this.#events.push(event);
    this.#bytes += event.text.length;
    while (this.#events.length - this.#start > recentMax || this.#bytes > recentBytesMax) {
      this.#bytes -= this.#events[this.#start]!.text.length;
      this.#start += 1;
    }
    if (this.#start > recentMax) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    }
  }

  /** undefined when they begin later than `first`. */
  from(first: EventSeq, limit: EventLimit): DurableEvent[] | undefined {
    const oldest = this.#events[this.#start];
    if (!oldest || first < oldest.seq) return undefined;
    const events: DurableEvent[] = [];
    const room = new Room(limit);
    for (let i = this.#start + first - oldest.seq; i < this.#events.length; i += 1) {
      if (!room.takes(this.#events[i]!.text)) break;
      events.push(this.#events[i]!);
    }
    return events;
  }
}

/** Events `first` … `last` from the files, up to the first that is missing. */
export async function readEvents(
  from: {
    readonly disk: Disk;
    readonly folder: string;
    readonly segments: readonly KnownSegment[];
    /** The segment written to last, and how far: nothing durable stands behind that, and most of it may be blank. */
    readonly written: { readonly number: number; readonly position: number } | undefined;
    readonly nextTurn: () => Promise<void>;
  },
  first: EventSeq,
  last: EventSeq,
  limit: EventLimit,
): Promise<DurableEvent[]> {
  const { disk, folder, written, nextTurn } = from;
  const segments = [...from.segments];
  const begin = Math.max(
    0,
    segments.findLastIndex(({ header }) => header !== undefined && header.firstSeq <= first),
  );
  const events: DurableEvent[] = [];
  const room = new Room(limit);
  /** Beyond an event that is unreadable in its place, but may stand once more further on. */
  const ahead = new Map<EventSeq, DurableEvent>();
  let wanted = first;
  let count = 0;
  for (const { number } of segments.slice(begin)) {
    const file = segmentFile(number);
    const maxBytes = number === written?.number ? written.position : undefined;
    const { bytes } = await readSegment(disk, join(folder, file), maxBytes);
    for (const { parsed } of readLines(file, bytes, isEventLine)) {
      count += 1;
      if (count % linesPerTurn === 0) await nextTurn();
      if (!parsed?.body) continue;
      const record = recordOf(parsed);
      if (record.kind !== "event" || record.event.seq < wanted) continue;
      const { seq } = record.event;
      ahead.set(seq, { seq, prev: parsed.prev!, text: parsed.body });
      if (ahead.size > limit.maxEvents) return events;
      for (let event = ahead.get(wanted); event; event = ahead.get(wanted)) {
        if (wanted > last || !room.takes(event.text)) return events;
        events.push(event);
        ahead.delete(wanted);
        wanted += 1;
      }
    }
  }
  return events;
}

/** What a batch may still take; its first event always. */
class Room {
  #events: number;
  #bytes: number;
  #isEmpty = true;

  constructor({ maxEvents, maxBytes }: EventLimit) {
    this.#events = maxEvents;
    this.#bytes = maxBytes;
  }

  takes(text: string): boolean {
    this.#events -= 1;
    this.#bytes -= Buffer.byteLength(text) + 1;
    if (!this.#isEmpty && (this.#events < 0 || this.#bytes < 0)) return false;
    this.#isEmpty = false;
    return true;
  }
}
