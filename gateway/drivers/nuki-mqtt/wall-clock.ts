/**
 * Windows as a lock knows them: by its wall clock. Where clocks are set back a wall time comes twice, and nobody knows which of the two the lock
 * means: such an end is moved out of that hour, so that the guest is never locked out. Where clocks are set forward wall times are missing;
 * no instant has one, and one that somebody else has written counts as wide as it can be meant. Pure.
 */
import type { Instant } from "../../domain/instant.ts";
import type { CodeWindow } from "../../domain/lock-code.ts";

/** "YYYY-MM-DD HH:MM:SS". */
export interface WallWindow {
  readonly from: string;
  readonly until: string;
}

/** What a lock takes; beyond these a window has no end. */
const earliest = Temporal.PlainDateTime.from("2000-01-01T00:00:00");
const latest = Temporal.PlainDateTime.from("2999-12-31T23:59:59");
const always: CodeWindow = { from: 0, until: 8.64e15 };
/** Says "none" in the lists of the lock. */
const none = /^0000-/;

/** Throws a RangeError for a zone nobody knows. */
export function toWall({ from, until }: CodeWindow, zone: string): WallWindow {
  return { from: text(startOf(from, zone)), until: text(endOf(until, zone)) };
}

/** undefined when an end cannot be read. */
export function fromWall({ from, until }: WallWindow, zone: string): CodeWindow | undefined {
  const start = none.test(from) ? always.from : instantOf(from, zone, "earlier");
  const end = none.test(until) ? always.until : instantOf(until, zone, "later");
  return start === undefined || end === undefined ? undefined : { from: start, until: end };
}

function startOf(instant: Instant, zone: string): Temporal.PlainDateTime {
  const wall = local(instant, zone).round({ smallestUnit: "second", roundingMode: "floor" }).toPlainDateTime();
  if (Temporal.PlainDateTime.compare(wall, earliest) <= 0) return earliest;
  return repeated(wall, zone)?.first.subtract({ seconds: 1 }) ?? wall;
}

function endOf(instant: Instant, zone: string): Temporal.PlainDateTime {
  const wall = local(instant, zone).round({ smallestUnit: "second", roundingMode: "ceil" }).toPlainDateTime();
  if (Temporal.PlainDateTime.compare(wall, latest) >= 0) return latest;
  return repeated(wall, zone)?.past ?? wall;
}

function local(instant: Instant, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(Math.round(instant)).toZonedDateTimeISO(zone);
}

/** The first wall time that comes twice, and the first one after those; undefined where this one comes once. */
function repeated(
  wall: Temporal.PlainDateTime,
  zone: string,
): { readonly first: Temporal.PlainDateTime; readonly past: Temporal.PlainDateTime } | undefined {
  const before = wall.toZonedDateTime(zone, { disambiguation: "earlier" });
  const after = wall.toZonedDateTime(zone, { disambiguation: "later" });
  const setBackAt = before.getTimeZoneTransition("next");
  if (before.equals(after) || !setBackAt) return undefined;
  const first = setBackAt.toPlainDateTime();
  return { first, past: first.add(before.until(after, { largestUnit: "seconds" })) };
}

function instantOf(wall: string, zone: string, disambiguation: "earlier" | "later"): Instant | undefined {
  try {
    const plain = Temporal.PlainDateTime.from(wall.replace(" ", "T"));
    if (Temporal.PlainDateTime.compare(plain, earliest) <= 0) return always.from;
    if (Temporal.PlainDateTime.compare(plain, latest) >= 0) return always.until;
    return plain.toZonedDateTime(zone, { disambiguation }).epochMilliseconds;
  } catch {
    return undefined; // no such date
  }
}

function text(wall: Temporal.PlainDateTime): string {
  return wall.toString({ smallestUnit: "second" }).replace("T", " ");
}
