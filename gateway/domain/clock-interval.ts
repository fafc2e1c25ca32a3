/**
 * What the gateway knows of the time: not one number but an interval. Without a battery clock or a line after a boot, the latest
 * possible time is unknown, and whoever must not be let in too late is not let in.
 */
import type { Instant, Millis, Monotonic } from "./instant.ts";

/**
 * "synced": bounded by a server or a battery clock · "holdover": bounded, by one asked over a day ago · "unset": only a lower bound,
 * because no clock was seen yet, or because the one seen is behind what was written down and nobody can say which of them is wrong.
 */
export type ClockTrust = "synced" | "holdover" | "unset";

export interface ClockInterval {
  readonly earliest: Instant;
  /** Infinity when nothing bounds it. */
  readonly latest: Instant;
}

/** One look at a clock worth believing: at `mono` the time was within the interval. */
export interface ClockFix extends ClockInterval {
  readonly mono: Monotonic;
}

/** Crystals on small boards drift by up to about this much; parts per million. */
export const driftPpm = 200;
const holdoverAfterMs = 24 * 3_600_000;
/** A server's clock may be set back by this much, or the next server's be behind, without anybody doubting the time written down. */
const setBackMaxMs: Millis = 10_000;

/** A server stamped its answer with `serverTime` as it sent it; the answer was under way for at most `underWayMs` and is here at `mono`. */
export function fixFromServer(serverTime: Instant, underWayMs: Millis, mono: Monotonic): ClockFix {
  return { earliest: serverTime, latest: serverTime + Math.max(0, underWayMs), mono };
}

/** The system's own clock, where a battery or a time service keeps it right to within `withinMs`. */
export function fixFromSystem(wall: Instant, withinMs: Millis, mono: Monotonic): ClockFix {
  return { earliest: wall - withinMs, latest: wall + withinMs, mono };
}

/** Both are right, so the truth lies in both; a fresh fix that contradicts the known one is believed instead of it. */
export function combine(known: ClockFix | undefined, fresh: ClockFix): ClockFix {
  if (!known) return fresh;
  const then = intervalAt(known, Number.NEGATIVE_INFINITY, fresh.mono);
  const [earliest, latest] = [Math.max(then.earliest, fresh.earliest), Math.min(then.latest, fresh.latest)];
  return earliest <= latest ? { earliest, latest, mono: fresh.mono } : fresh;
}

/** Whether a fresh look at a clock is so far from the known one that one of the two was wrong. */
export function contradicts(known: ClockFix, fresh: ClockFix): boolean {
  const then = intervalAt(known, Number.NEGATIVE_INFINITY, fresh.mono);
  return fresh.earliest > then.latest + setBackMaxMs || fresh.latest + setBackMaxMs < then.earliest;
}

/**
 * The interval at `mono` in whole milliseconds, from the newest fix (or none) and the highest time ever written down. A fix well
 * before that time bounds nothing: one wrong look at a clock may have been written down, so whatever ends may be over already.
 */
export function intervalAt(fix: ClockFix | undefined, highWater: Instant, mono: Monotonic): ClockInterval {
  if (!fix) return { earliest: highWater, latest: Number.POSITIVE_INFINITY };
  const elapsed = Math.max(0, mono - fix.mono);
  const drift = (elapsed * driftPpm) / 1_000_000;
  const latest = Math.ceil(fix.latest + elapsed + drift);
  if (latest + setBackMaxMs < highWater) return { earliest: highWater, latest: Number.POSITIVE_INFINITY };
  const earliest = Math.max(Math.floor(fix.earliest + elapsed - drift), highWater);
  return { earliest, latest: Math.max(latest, earliest) };
}

export function trustOf(fix: ClockFix | undefined, highWater: Instant, mono: Monotonic): ClockTrust {
  if (!fix || intervalAt(fix, highWater, mono).latest === Number.POSITIVE_INFINITY) return "unset";
  const age: Millis = mono - fix.mono;
  return age > holdoverAfterMs ? "holdover" : "synced";
}
