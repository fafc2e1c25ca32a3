/**
 * How Nuki Hub reads what it is told on `keypad/actionJson`: its checks in its order, before the lock is asked, and its words for what is wrong.
 * Numbers may stand as text. Windows count only with `timeLimited` 1, by the clock on the lock's wall.
 */
import type { NukiAllowed, NukiCode, StoredNukiCode } from "../sim-nuki-keypad.ts";
import { daysSum, isTimeLimited } from "./nuki-hub-words.ts";

/** Absent: not said. */
export interface CodeWish {
  readonly name?: string;
  readonly code?: number;
  readonly enabled?: boolean;
  readonly timeLimited?: boolean;
  readonly allowed: NukiAllowed;
}

export type KeypadAction =
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "check" | "delete"; readonly codeId: number; readonly code: number }
  | { readonly kind: "add"; readonly wish: CodeWish }
  | { readonly kind: "update"; readonly codeId: number; readonly wish: CodeWish };

/** `known`: the ids in the list that the hub read last; others do not exist to it. */
export function readKeypadAction(payload: string, known: readonly number[], zone: string): KeypadAction {
  const said = parse(payload);
  if (!said) return wrong("invalidJson");
  const { action } = said;
  if (typeof action !== "string") return wrong("noActionSet");
  const codeId = unsigned(said.codeId);
  const isKnown = codeId !== 0 && known.includes(codeId);
  if (action === "check" || action === "delete")
    return isKnown ? { kind: action, codeId, code: unsigned(said.code) } : wrong("noExistingCodeIdSet");
  if (action !== "add" && action !== "update") return wrong("invalidAction");
  const isAdd = action === "add";
  const name = text(said.name);
  if (isAdd && name === "") return wrong("noNameSet");
  if (said.code !== undefined && !isSixDigits(text(said.code))) return wrong("noValidCodeSet");
  if (isAdd && said.code === undefined) return wrong("noCodeSet");
  const limited = said.timeLimited === undefined ? undefined : unsigned(said.timeLimited) === 1;
  const allowed = limited ? readWindow(said, zone) : {};
  if ("why" in allowed) return wrong(allowed.why);
  const wish: CodeWish = {
    ...(name !== "" && { name: name.slice(0, 20) }),
    ...(said.code !== undefined && { code: unsigned(said.code) }),
    ...(said.enabled !== undefined && { enabled: unsigned(said.enabled) === 1 }),
    ...(limited !== undefined && { timeLimited: limited }),
    allowed,
  };
  if (isAdd) return { kind: "add", wish };
  if (codeId === 0) return wrong("noCodeIdSet");
  return isKnown ? { kind: "update", codeId, wish } : wrong("noExistingCodeIdSet");
}

/** What the hub writes: what was not said stays as it is, and a code that is switched off loses its window. */
export function updated(stands: StoredNukiCode, wish: CodeWish): NukiCode {
  const { name = stands.name, code = stands.code, enabled = stands.enabled } = wish;
  const isLimited = enabled && (wish.timeLimited ?? isTimeLimited(stands.allowed));
  return { name, code, enabled, allowed: isLimited ? { ...stands.allowed, ...wish.allowed } : {} };
}

function readWindow(said: Readonly<Record<string, unknown>>, zone: string): NukiAllowed | { readonly why: string } {
  const window: { -readonly [K in keyof NukiAllowed]: NukiAllowed[K] } = {};
  for (const [key, kept] of [
    ["allowedFrom", "fromDate"],
    ["allowedUntil", "untilDate"],
  ] as const) {
    const value = text(said[key]);
    if (value === "") continue;
    const at = instantOf(value, zone);
    if (at === undefined) return { why: `invalid${capital(key)}` };
    window[kept] = at;
  }
  for (const [key, kept] of [
    ["allowedFromTime", "fromTime"],
    ["allowedUntilTime", "untilTime"],
  ] as const) {
    const value = text(said[key]);
    if (value === "") continue;
    const [hour, minute] = [part(value, 0, 2), part(value, 3, 5)];
    if (value.length !== 5 || hour > 23 || minute > 59) return { why: `invalid${capital(key)}` };
    window[kept] = hour * 60 + minute;
  }
  const sum = daysSum(text(said.allowedWeekdays));
  return said.allowedWeekdays === undefined ? window : { ...window, weekDays: sum };
}

/** "YYYY-MM-DD HH:MM:SS" on the lock's wall; only the places of the digits count. */
function instantOf(value: string, zone: string): number | undefined {
  const places = [
    [0, 4],
    [5, 7],
    [8, 10],
    [11, 13],
    [14, 16],
    [17, 19],
  ] as const;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = places.map(([a, b]) => part(value, a, b));
  const isDate = year >= 2000 && year <= 3000 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  if (value.length !== 19 || !isDate || hour > 23 || minute > 59 || second > 59) return undefined;
  return Temporal.PlainDateTime.from({ year, month, day, hour, minute, second }).toZonedDateTime(zone)
    .epochMilliseconds;
}

function part(value: string, from: number, to: number): number {
  return Number.parseInt(value.slice(from, to), 10) || 0;
}

function parse(payload: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const said: unknown = JSON.parse(payload);
    return typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
  } catch {
    return undefined;
  }
}

/** Not that it does not begin with 12: that the lock says. */
function isSixDigits(code: string): boolean {
  return unsigned(code) > 100_000 && unsigned(code) < 1_000_000 && !code.includes("0");
}

function unsigned(value: unknown): number {
  return typeof value === "number" ? Math.max(0, Math.trunc(value)) : Number.parseInt(text(value), 10) || 0;
}

function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function wrong(why: string): KeypadAction {
  return { kind: "wrong", why };
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
