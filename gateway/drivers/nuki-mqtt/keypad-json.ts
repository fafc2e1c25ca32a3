/** Keypad codes as Nuki Hub lists and takes them. Pure. */
import { z } from "zod";
import type { CodeHours, CodeRef, CodeWindow, StoredCode } from "../../domain/lock-code.ts";
import type { Weekday } from "../../domain/schedule.ts";
import type { CodeToSet } from "../../ports/device.ts";
import { readKeypadHours, toKeypadHours } from "../common/nuki.ts";
import { fromWall, toWall, type WallWindow } from "./wall-clock.ts";

const truth = z
  .union([z.literal(["0", "1"]), z.literal([0, 1]), z.boolean()])
  .transform((value) => Number(value) === 1);

const entrySchema = z.object({
  codeId: z.number().int().min(0),
  /** Only where the hub is told to publish codes. */
  code: z
    .union([z.number().int(), z.string().max(16)])
    .transform(String)
    .optional(),
  enabled: truth.optional(),
  name: z.string().optional(),
  timeLimited: truth.optional(),
  allowedFrom: z.string().optional(),
  allowedUntil: z.string().optional(),
  allowedWeekdays: z.array(z.string()).optional(),
  allowedFromTime: z.string().optional(),
  allowedUntilTime: z.string().optional(),
});
type Entry = z.infer<typeof entrySchema>;

const listMax = 256;
const week = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 } as const satisfies Record<string, Weekday>;
/** "No limit" in the lists of the lock. */
const never = "0000-00-00 00:00:00";
const midnight = "00:00";

/** What a code of ours was set with, by the window that the lock was told; see wall-clock.ts. */
export type MeantWindow = (label: string, wall: WallWindow) => CodeWindow | undefined;

/** The refs alone, which is all that is kept of a list nobody has asked for; undefined when it cannot be read. */
export function readRefs(payload: string): ReadonlySet<CodeRef> | undefined {
  const entries = readEntries(payload);
  return entries && new Set(entries.map(({ codeId }) => String(codeId)));
}

/** undefined when the list, or a single code in it, cannot be read: a code that is overlooked would count as gone. */
export function readCodes(
  payload: string,
  zone: string,
  indexOf: (digits: string) => string,
  meant: MeantWindow,
): readonly StoredCode[] | undefined {
  return readEntries(payload)?.map((entry) => {
    const window = windowOf(entry, zone, meant);
    return {
      ref: String(entry.codeId),
      index: entry.code === undefined ? "masked" : indexOf(entry.code),
      ...(entry.name !== undefined && { label: entry.name }),
      ...(window !== undefined && { window }),
    };
  });
}

function readEntries(payload: string): readonly Entry[] | undefined {
  try {
    const read = z.array(entrySchema).max(listMax).safeParse(JSON.parse(payload));
    return read.success ? read.data : undefined;
  } catch {
    return undefined; // not JSON, as the "--" of a hub that has just been switched on
  }
}

/** A code that is switched off opens never. undefined: a date or an hour is told in a way that cannot be read. */
function windowOf(entry: Entry, zone: string, meant: MeantWindow): CodeWindow | null | undefined {
  if (entry.enabled === false) return { from: 0, until: 0 };
  if (!entry.timeLimited) return null;
  const hours = hoursOf(entry);
  if (hours === "unreadable") return undefined;
  const wall = { from: entry.allowedFrom ?? never, until: entry.allowedUntil ?? never };
  const range = meant(entry.name ?? "", wall) ?? fromWall(wall, zone);
  return range && { from: range.from, until: range.until, ...(hours && { hours }) };
}

function hoursOf({ allowedWeekdays = [], allowedFromTime = midnight, allowedUntilTime = midnight }: Entry) {
  const days = Object.entries(week).flatMap(([name, day]) => (allowedWeekdays.includes(name) ? [day] : []));
  const [from, until] = [minuteOf(allowedFromTime), minuteOf(allowedUntilTime)];
  return from === undefined || until === undefined ? "unreadable" : readKeypadHours(days, { from, until });
}

function minuteOf(time: string): number | undefined {
  const [, hour, minute] = /^(\d\d):(\d\d)$/.exec(time) ?? [];
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute);
}

/** "HH:MM". */
function timeOf(minute: number): string {
  return [Math.floor(minute / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
}

/** The hub keeps of a code what a change does not name, so all is named. */
export function toAction({ ref, label, digits, window }: CodeToSet, zone: string): string {
  const wall = window && toWall(window, zone);
  return JSON.stringify({
    action: ref === undefined ? "add" : "update",
    ...(ref !== undefined && { codeId: Number(ref) }),
    name: label,
    code: digits.reveal(),
    enabled: 1,
    timeLimited: wall ? 1 : 0,
    ...(wall && {
      allowedFrom: wall.from,
      allowedUntil: wall.until,
      ...hoursIn(window?.hours),
    }),
  });
}

function hoursIn(hours: CodeHours | undefined) {
  const { days, from, until } = toKeypadHours(hours);
  return {
    allowedWeekdays: Object.entries(week).flatMap(([name, day]) => (days.includes(day) ? [name] : [])),
    allowedFromTime: timeOf(from),
    allowedUntilTime: timeOf(until),
  };
}

export function toDelete(ref: CodeRef): string {
  return JSON.stringify({ action: "delete", codeId: Number(ref) });
}

/** A code's id at the lock. */
export function isRef(ref: CodeRef): boolean {
  return /^[1-9]\d{0,4}$/.test(ref);
}

/** What became of a change. "absent": no such code among those that the hub lists · "unclear": nobody knows. */
export type ChangeAnswer = "done" | "refused" | "absent" | "unclear";

/** The hub's words for what it did not even try. */
const refused: readonly string[] = [
  "noValidPinSet",
  "keypadControlDisabled",
  "keypadNotAvailable",
  "configNotReady",
  "keypadDisabled",
  "invalidJson",
  "noActionSet",
  "invalidAction",
  "noCodeIdSet",
  "noNameSet",
  "noCodeSet",
  "noValidCodeSet",
  "invalidAllowedFrom",
  "invalidAllowedUntil",
  "invalidAllowedFromTime",
  "invalidAllowedUntilTime",
  "failedToRetrieveExistingKeypadEntry",
  "notPaired",
];

/**
 * undefined when it is no answer. The hub tries several times: a code that the lock took at the first try, unheard, ends as "failed"
 * because it stands there already; so that is as unclear as a time-out.
 */
export function readAnswer(payload: string): ChangeAnswer | undefined {
  if (payload === "" || payload === "--") return undefined;
  if (payload === "success") return "done";
  if (payload === "noExistingCodeIdSet") return "absent";
  return refused.includes(payload) ? "refused" : "unclear";
}
