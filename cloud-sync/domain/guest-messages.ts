/** What a guest is told and when, purely: only what the doors have confirmed, or the truth about it when there is no time left to wait. */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { earliest, type StayDoor, standingOf } from "./stay-alarms.ts";
import type { BookingStatus } from "./stay-planner.ts";

/** "code": there is one · "changed": it works at another time or at other doors · "new-code": other digits · "cancelled": none works any more. */
export const messageKinds = ["code", "changed", "new-code", "cancelled"] as const;
export type MessageKind = (typeof messageKinds)[number];

/** What a message says of the code. */
export interface MessageFacts {
  readonly from: Instant;
  readonly until: Instant;
  readonly doors: readonly string[];
  /** The code's index, which is not the code. */
  readonly code: string;
}

export interface PlannedMessage {
  readonly kind: MessageKind;
  readonly says: MessageFacts;
}

/** The newest message to the guest. "failed": no way reached them. */
export interface NewestMessage extends PlannedMessage {
  readonly standing: "waiting" | "told" | "failed";
  readonly at: Instant;
}

/** Wall clock at the site, "22:00": nobody is woken between the two. The same twice: there is none. */
export interface QuietHours {
  readonly from: string;
  readonly until: string;
}

export interface Telling {
  readonly status: BookingStatus;
  /** Check-in. */
  readonly beginsAt: Instant;
  /** Its code as it is; null: there is none that opens, or will. */
  readonly present: MessageFacts | null;
  /** How far that code has come. */
  readonly doors: readonly StayDoor[];
  /** Since when it should be as it is. */
  readonly wantedSince: Instant;
  /** Since when guests of the property are told. */
  readonly onSince: Instant;
  readonly newest: NewestMessage | null;
  /** The newest that has reached the guest, as far as anybody knows. */
  readonly told: PlannedMessage | null;
  readonly quiet: QuietHours;
  /** IANA, of the site. */
  readonly zone: string;
}

export type MessageStep =
  /** `drop`: the one that waits says what is not so any more. `lookAt`: null: not before something changes. */
  | { readonly do: "nothing"; readonly drop: boolean; readonly lookAt: Instant | null }
  /** `isProven`: every door has confirmed the code. `at`: when it leaves. */
  | { readonly do: "tell"; readonly message: PlannedMessage; readonly isProven: boolean; readonly at: Instant };

const minuteMs: Millis = 60_000;
const dayMs: Millis = 24 * 60 * minuteMs;
/** Every guest knows so long before check-in, whatever the hour and the doors. */
const knownBeforeMs: Millis = 2 * 60 * minuteMs;
/** So long the doors have to confirm what was changed late. */
const proofMs: Millis = 10 * minuteMs;

export function planMessage(telling: Telling, now: Instant): MessageStep {
  const { newest, doors, beginsAt, wantedSince } = telling;
  const wanted = wantedMessage(telling, now);
  const isSame = wanted !== undefined && newest !== null && isSameMessage(newest, wanted);
  const drop = newest?.standing === "waiting" && !isSame;
  if (!wanted) return { do: "nothing", drop, lookAt: null };
  // Nobody knows another way to reach them than there was.
  const isGivenUp = newest?.standing === "failed" && wantedSince <= newest.at;
  if (isSame && (newest.standing === "waiting" || isGivenUp)) return { do: "nothing", drop: false, lookAt: null };
  const isProven = wanted.kind === "cancelled" || isProvenAt(doors);
  const deadline = Math.max(beginsAt - knownBeforeMs, wantedSince + proofMs);
  if (!isProven && now < deadline) return { do: "nothing", drop, lookAt: earliest(deadline, now + minuteMs) };
  return { do: "tell", message: wanted, isProven, at: leavesAt(telling, wanted, now) };
}

/** Each has it, or its gateway puts it there when the stay begins: nothing more is confirmed by then. */
export function isProvenAt(doors: readonly StayDoor[]): boolean {
  return doors.length > 0 && doors.every((door) => ["ready", "later"].includes(standingOf(door)));
}

/** undefined: what the guest was told is so. */
function wantedMessage(
  { status, present, told, beginsAt, onSince }: Telling,
  now: Instant,
): PlannedMessage | undefined {
  const knows = told?.kind === "cancelled" ? null : told;
  if (status === "cancelled")
    return knows && now < knows.says.until ? { kind: "cancelled", says: knows.says } : undefined;
  if (status !== "confirmed" || !present || now >= present.until) return undefined;
  // Whoever was in the house by then has come in by what somebody else has told them.
  if (!knows) return onSince > beginsAt ? undefined : { kind: "code", says: present };
  if (knows.says.code !== present.code) return { kind: "new-code", says: present };
  return isSaid(knows.says, present, now) ? undefined : { kind: "changed", says: present };
}

/** Two beginnings in the past are alike. */
function isSaid(said: MessageFacts, present: MessageFacts, now: Instant): boolean {
  const isFromAlike = said.from === present.from || (said.from <= now && present.from <= now);
  return isFromAlike && said.until === present.until && isSameSet(said.doors, present.doors);
}

/** They say the same. */
export function isSameMessage(one: PlannedMessage, other: PlannedMessage): boolean {
  const [a, b] = [one.says, other.says];
  const isWindowSame = a.from === b.from && a.until === b.until;
  return one.kind === other.kind && a.code === b.code && isWindowSame && isSameSet(a.doors, b.doors);
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}

/** After the quiet hours, but never so late that the guest does not know in time. */
function leavesAt({ told, beginsAt, quiet, zone }: Telling, { kind, says }: PlannedMessage, now: Instant): Instant {
  const ends = kind === "changed" && told ? Math.min(told.says.until, says.until) : now;
  const mattersAt = now < beginsAt ? beginsAt : ends;
  const latest = mattersAt - knownBeforeMs;
  return now >= latest ? now : Math.min(quietEnd(quiet, zone, now) ?? now, latest);
}

/** When the quiet that it is now ends; undefined: it is none. */
export function quietEnd({ from, until }: QuietHours, zone: string, now: Instant): Instant | undefined {
  if (from === until) return undefined;
  const at = (day: Temporal.PlainDate, hour: string) =>
    day.toPlainDateTime(Temporal.PlainTime.from(hour)).toZonedDateTime(zone).epochMilliseconds;
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate();
  for (const day of [today.subtract({ days: 1 }), today]) {
    const begins = at(day, from);
    const ends = at(until > from ? day : day.add({ days: 1 }), until);
    if (begins <= now && now < ends && ends - begins < 2 * dayMs) return ends;
  }
  return undefined;
}
