/** How Kisi hands out its history: a set of events is asked for, is ready some time later, and is read page by page. There is no other list. */
import type { KisiAccount, KisiEvent } from "./kisi-account.ts";
import { date, storedEvent } from "./kisi-shapes.ts";

interface EventSet {
  readonly id: number;
  readonly createdAt: number;
  readonly readyAt: number;
  readonly asked: Readonly<Record<string, unknown>>;
  readonly interval: string;
  readonly events: readonly KisiEvent[];
}

type Fields = Readonly<Record<string, unknown>>;
export type EventSetErrors = { readonly errors: Readonly<Record<string, readonly string[]>> };

const setsMax = 100;
const pageEvents = { usual: 50, max: 250 };
const intervalDaysMax = 90;
const dayMs = 86_400_000;
const filters = [
  "event_actor_id",
  "event_actor_type",
  "event_object_id",
  "event_object_type",
  "event_place_id",
  "event_success",
  "event_type",
  "event_uuid",
  "place_id",
] as const;

export class KisiEventSets {
  readonly #account: KisiAccount;
  #sets: readonly EventSet[] = [];
  #lastId = 200_000;

  constructor(account: KisiAccount) {
    this.#account = account;
  }

  /** `readyMs`: so long the set is in progress. What happens after this call is not in it. */
  create(asked: Fields, readyMs: number): Fields | EventSetErrors {
    const { now } = this.#account;
    const interval = asked.interval ?? `${date(now - intervalDaysMax * dayMs)}/${date(now)}`;
    const read = typeof interval === "string" ? readInterval(interval) : undefined;
    if (!read) return { errors: { interval: ["is invalid"] } };
    if (read.until - read.from > intervalDaysMax * dayMs) return { errors: { interval: ["is too wide"] } };
    const events = this.#account
      .events()
      .filter(({ createdAt }) => createdAt >= read.from && createdAt <= read.until)
      .filter((event) => this.#isMeant(event, asked));
    const set = {
      id: ++this.#lastId,
      createdAt: now,
      readyAt: now + readyMs,
      asked,
      interval: String(interval),
      events,
    };
    this.#sets = [...this.#sets, set].slice(-setsMax);
    return this.#page(set, 0, pageEvents.usual);
  }

  /** undefined: there is no such set, or not any more. */
  read(id: number, query: URLSearchParams): Fields | EventSetErrors | undefined {
    const set = this.#sets.find((one) => one.id === id);
    if (!set) return undefined;
    const limit = Number(query.get("limit") ?? pageEvents.usual);
    const from = cursorIn(query.get("cursor"), set);
    if (!Number.isInteger(limit) || limit < 1 || limit > pageEvents.max) return { errors: { limit: ["is invalid"] } };
    if (from === undefined) return { errors: { cursor: ["is invalid"] } };
    return this.#page(set, from, limit);
  }

  #page(set: EventSet, from: number, limit: number): Fields {
    const isReady = this.#account.now >= set.readyAt;
    const until = from + limit;
    return {
      id: set.id,
      created_at: date(set.createdAt),
      status: isReady ? "finished" : "in_progress",
      interval: set.interval,
      ...Object.fromEntries(filters.map((name) => [name, set.asked[name] ?? null])),
      events: isReady ? set.events.slice(from, until).map((event) => storedEvent(this.#account, event)) : null,
      cursor: isReady && until < set.events.length ? Buffer.from(`${set.id}:${until}`).toString("base64url") : null,
    };
  }

  #isMeant(event: KisiEvent, asked: Fields): boolean {
    const says: Readonly<Record<(typeof filters)[number], unknown>> = {
      event_actor_id: event.actor?.id,
      event_actor_type: event.actor?.type,
      event_object_id: event.door.id,
      event_object_type: "Lock",
      event_place_id: this.#account.placeId,
      event_success: event.success,
      event_type: event.type,
      event_uuid: event.uuid,
      place_id: this.#account.placeId,
    };
    return filters.every((name) => {
      const wanted = asked[name];
      if (wanted === undefined || wanted === null) return true;
      return typeof wanted === "string" ? wanted.split(",").includes(String(says[name])) : wanted === says[name];
    });
  }
}

function cursorIn(given: string | null, { id }: EventSet): number | undefined {
  if (given === null) return 0;
  const [set, from] = Buffer.from(given, "base64url").toString().split(":").map(Number);
  return set === id && Number.isInteger(from) ? from : undefined;
}

/** From/until, from/duration or duration/until. */
function readInterval(interval: string): { readonly from: number; readonly until: number } | undefined {
  const parts = interval.split("/");
  const [first, last] = parts;
  if (parts.length !== 2 || !first || !last) return undefined;
  try {
    const [from, until] = first.startsWith("P")
      ? [zoned(last).subtract(Temporal.Duration.from(first)), zoned(last)]
      : [zoned(first), last.startsWith("P") ? zoned(first).add(Temporal.Duration.from(last)) : zoned(last)];
    if (Temporal.ZonedDateTime.compare(from, until) > 0) return undefined;
    return { from: from.epochMilliseconds, until: until.epochMilliseconds };
  } catch (error) {
    if (error instanceof RangeError) return undefined; // not ISO 8601
    throw error;
  }
}

function zoned(instant: string): Temporal.ZonedDateTime {
  return Temporal.Instant.from(instant).toZonedDateTimeISO("UTC");
}
