/** What of a stay its owner is alarmed about, purely: a code that is not at the doors in time, one that stays there, a property given twice. */
import type { Validity } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { CodeStatusState } from "./code-status.ts";

/**
 * "no-code": no door-confirmed code ahead of arrival · "not-told": no way reached the guest · "guest-says": by the guest it does not work ·
 * "removal-late": a lock or a gateway has the code after its end · "booked-twice": another stay has the property then · "source-stale": bookings of a
 * source have not been read for long.
 */
export const alarmKinds = [
  "no-code",
  "not-told",
  "guest-says",
  "removal-late",
  "booked-twice",
  "source-stale",
] as const;
export type AlarmKind = (typeof alarmKinds)[number];

/** Nothing looks again at these: whoever settles one ends it, and the same may be raised anew. */
export const toldOnceKinds: readonly AlarmKind[] = ["guest-says", "not-told"];

/** How far the code of a stay has come at one door. */
export interface StayDoor {
  readonly accessPoint: string;
  readonly state: CodeStatusState;
  /** Its gateway has the present state of the grant on its disk. */
  readonly isConfirmed: boolean;
  /** The lock shuts its code out by itself then, before the stay is over: it has not heard that it goes on. Absent: not before. */
  readonly opensUntil?: Instant | undefined;
}

/** "short": it opens, and not to the end · "later": the gateway has it, and puts it into the lock when the stay begins. */
export type DoorStanding = "ready" | "short" | "later" | "missing";

export function standingOf({ state, isConfirmed, opensUntil }: StayDoor): DoorStanding {
  if (state === "on-lock" || state === "gateway-decides") return opensUntil === undefined ? "ready" : "short";
  return state === "not-due" && isConfirmed ? "later" : "missing";
}

/** A code that opens no more. */
export interface OverCode {
  readonly endedAt: Instant;
  /** Doors that it still opens, as far as anybody knows. */
  readonly stillAt: readonly string[];
}

export interface WatchedStay {
  /** It is to have a code. */
  readonly isConfirmed: boolean;
  /** When its code works. */
  readonly window: Validity;
  /** When the planner makes its code; null: it did, or could not. */
  readonly codeDueAt: Instant | null;
  /** Since when it should have its code as it is now. */
  readonly wantedSince: Instant;
  /** Of its code; empty: it has none. */
  readonly doors: readonly StayDoor[];
  readonly over: readonly OverCode[];
  /** Confirmed bookings of the property at the same time that were made before it. */
  readonly clashes: readonly string[];
}

export interface FoundAlarm {
  readonly kind: AlarmKind;
  /** People are told again when it rises. */
  readonly level: number;
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface StayWatch {
  /** Of the kinds that are watched, those there is a cause for now; the others are over. */
  readonly alarms: readonly FoundAlarm[];
  /** null: not before the booking changes. */
  readonly lookAt: Instant | null;
}

export const watchedKinds = ["no-code", "removal-late", "booked-twice"] as const satisfies readonly AlarmKind[];

const minuteMs: Millis = 60_000;
const hourMs: Millis = 60 * minuteMs;
const dayMs: Millis = 24 * hourMs;
/** Before the code is to work; the third leaves whoever is told two hours whatever happens. */
const lastStepMs: Millis = 2 * hourMs + 10 * minuteMs;
const noCodeStepsMs: readonly Millis[] = [24 * hourMs, 4 * hourMs, lastStepMs, 30 * minuteMs, 0];
/** So long gateways and locks may take without anybody being alarmed. */
const graceMs: Millis = 10 * minuteMs;
/** A lock may be asked about a code that has ended for so long. */
export const removalWithinMs: Millis = 30 * minuteMs;
/** After two days nobody waits at the door for it to go. */
const removalFreshMs: Millis = 48 * hourMs;
/** A source is stale when nothing good came of it for so long, or for three of its own intervals. */
const staleMs: Millis = 6 * hourMs;

/** The earlier of moments that there are. */
export function earliest(...moments: readonly (Instant | null | undefined)[]): Instant | null {
  const known = moments.filter((one) => one !== null && one !== undefined);
  return known.length === 0 ? null : Math.min(...known);
}

interface Finding {
  readonly alarm?: FoundAlarm;
  readonly lookAt: Instant | null;
}

export function watchStay(stay: WatchedStay, now: Instant): StayWatch {
  const found = [noCode(stay, now), removalLate(stay, now), bookedTwice(stay, now)];
  return {
    alarms: found.flatMap(({ alarm }) => (alarm ? [alarm] : [])),
    lookAt: earliest(...found.map(({ lookAt }) => lookAt)),
  };
}

function noCode({ isConfirmed, window, codeDueAt, wantedSince, doors }: WatchedStay, now: Instant): Finding {
  if (!isConfirmed || now >= window.until) return { lookAt: null };
  if (codeDueAt !== null && now < codeDueAt) return { lookAt: codeDueAt + graceMs };
  const firstAt = Math.max(window.from - noCodeStepsMs[0]!, wantedSince + graceMs);
  if (now < firstAt) return { lookAt: firstAt };
  const steps = noCodeStepsMs.map((step) => window.from - step);
  const next = earliest(...steps.filter((at) => at > now));
  const missing = doors.filter((door) => standingOf(door) === "missing");
  const short = doors.filter((door) => standingOf(door) === "short");
  if (doors.length > 0 && missing.length === 0 && short.length > 0) {
    const warnAt = Math.max(
      Math.min(...short.map(({ opensUntil = 0 }) => opensUntil)) - lastStepMs,
      wantedSince + graceMs,
    );
    if (now < warnAt) return { lookAt: warnAt };
    return { alarm: noCodeAt(short, window, noCodeStepsMs.indexOf(lastStepMs) + 1), lookAt: now + 10 * minuteMs };
  }
  if (doors.length > 0 && missing.length === 0)
    // What a lock or its gateway says meanwhile has the stay looked after by itself; once more while there is time to do something.
    return {
      lookAt: earliest(
        steps.find((at) => at > now && at === window.from - lastStepMs),
        now + dayMs,
      ),
    };
  const level = steps.filter((at) => at <= now).length;
  return { alarm: noCodeAt(missing, window, level), lookAt: earliest(next, now + minuteMs) };
}

function noCodeAt(doors: readonly StayDoor[], window: Validity, level: number): FoundAlarm {
  const detail = { doors: doors.map(({ accessPoint, state }) => ({ accessPoint, state })), from: window.from };
  return { kind: "no-code", level, detail };
}

function removalLate({ window, over }: WatchedStay, now: Instant): Finding {
  const still = over.filter(({ stillAt }) => stillAt.length > 0);
  const isLate = ({ endedAt }: OverCode) => now >= endedAt + removalWithinMs;
  const looks = still.map((one) => {
    if (!isLate(one)) return one.endedAt + removalWithinMs;
    return now + (now - one.endedAt < removalFreshMs ? 10 * minuteMs : 6 * hourMs);
  });
  const lookAt = earliest(...looks, now < window.until ? window.until + removalWithinMs : null);
  const late = still.filter(isLate);
  if (late.length === 0) return { lookAt };
  const detail = {
    doors: [...new Set(late.flatMap(({ stillAt }) => stillAt))],
    since: Math.min(...late.map(({ endedAt }) => endedAt)),
  };
  return { alarm: { kind: "removal-late", level: 1, detail }, lookAt };
}

function bookedTwice({ isConfirmed, window, clashes }: WatchedStay, now: Instant): Finding {
  if (!isConfirmed || now >= window.until || clashes.length === 0) return { lookAt: null };
  return { alarm: { kind: "booked-twice", level: 1, detail: { with: clashes } }, lookAt: now + 10 * minuteMs };
}

/** `goodAt`: when the source was last read whole, or connected. */
export function isStale(goodAt: Instant, everyMinutes: number, now: Instant): boolean {
  return now - goodAt >= Math.max(staleMs, 3 * everyMinutes * minuteMs);
}
