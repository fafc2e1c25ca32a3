/** Temporary passwords as Tuya's cloud lists and takes them. Pure. Source: the maker's "Get Temporary Passwords", "Create …", "Modify …". */
import { z } from "zod";
import type { CodeHours, CodeWindow, StoredCode } from "../../../domain/lock-code.ts";
import { MINUTES_PER_DAY, type Weekday } from "../../../domain/schedule.ts";

const passwordSchema = z.object({
  id: z.union([z.number().int(), z.string().min(1).max(64)]),
  name: z.string().nullish(),
  phase: z.number().nullish(),
  delivery_status: z.union([z.number(), z.string()]).nullish(),
  /** Seconds since 1970. */
  effective_time: z.number().nullish(),
  invalid_time: z.number().nullish(),
  /** 1: good for one opening. */
  type: z.number().nullish(),
  schedule_list: z.array(z.unknown()).nullish(),
});
/** Hours of some days: minutes after midnight, and the sum of 1 for Sunday, 2 for Monday … 64 for Saturday. */
const weeklySchema = z.object({
  effective_time: z.number().int().min(0).max(MINUTES_PER_DAY),
  invalid_time: z.number().int().min(0).max(MINUTES_PER_DAY),
  working_day: z.number().int().min(1).max(127),
});
type Password = z.infer<typeof passwordSchema>;

/** What the cloud knows of a password's way to the lock. "shut": frozen, or about to be deleted. */
type Standing = "there" | "under-way" | "gone" | "shut" | { readonly failed: string };

export interface ListedPassword extends StoredCode {
  /** Why the lock does not have it as it was sent. */
  readonly failed?: string;
}

/**
 * A window in which nothing opens, for what does not stand in the lock as it was sent: so it is no code of ours until it is changed anew, and
 * not absent before it is gone.
 */
const never: CodeWindow = { from: 0, until: 0 };

/** undefined when the list, or a single password in it, cannot be read: one that is overlooked would count as gone. */
export function readPasswords(result: unknown): readonly ListedPassword[] | undefined {
  const read = z.array(passwordSchema).safeParse(result);
  if (!read.success) return undefined;
  return read.data.flatMap((password) => {
    const standing = standingOf(password);
    return standing === "gone" ? [] : [toListed(password, standing)];
  });
}

function toListed(password: Password, standing: Exclude<Standing, "gone">): ListedPassword {
  const { id, name } = password;
  const isShut = standing === "shut" || typeof standing === "object";
  const window = isShut ? never : windowOf(password);
  return {
    ref: String(id),
    index: "masked",
    ...(typeof name === "string" && { label: name }),
    ...(window && { window }),
    ...(standing === "under-way" && { pending: true }),
    ...(typeof standing === "object" && standing),
  };
}

/** Absent where more than a range and one span of hours says when it opens. */
function windowOf({ effective_time, invalid_time, type, schedule_list }: Password): CodeWindow | undefined {
  const hours = hoursOf(schedule_list ?? []);
  if (type === 1 || hours === "more" || !invalid_time) return undefined;
  return { from: (effective_time ?? 0) * 1_000, until: invalid_time * 1_000, ...(hours && { hours }) };
}

function hoursOf([first, ...others]: readonly unknown[]): CodeHours | "more" | undefined {
  if (first === undefined) return undefined;
  const read = weeklySchema.safeParse(first);
  if (!read.success || others.length > 0) return "more";
  const { effective_time: from, invalid_time: until, working_day } = read.data;
  if (working_day === everyDay && from === 0 && until >= MINUTES_PER_DAY - 1) return undefined;
  return { days: weekdays.filter((day) => (working_day & bitOf(day)) !== 0), from, until };
}

const weekdays = [1, 2, 3, 4, 5, 6, 7] as const satisfies readonly Weekday[];
const everyDay = 127;

/** Sunday, ISO's last day, is the maker's first. */
function bitOf(day: Weekday): number {
  return 1 << (day % 7);
}

/** One entry of the maker's list says them. */
export function isWeekly({ days, from, until }: CodeHours): boolean {
  return days.length > 0 && 0 <= from && from < until && (until < MINUTES_PER_DAY || from === 0);
}

/**
 * Zigbee locks answer for themselves by a status; of the others the phase alone tells what became of a password. Phases: 0 and, of Zigbee,
 * 4 deleted · 1 to be sent · 2 sent · 3 of Zigbee frozen, of others to be deleted · 5 and 7 failed.
 */
function standingOf({ phase, delivery_status: status }: Password): Standing {
  if (phase === 0 || phase === 4) return "gone";
  const standing = status === undefined || status === null ? byPhase(phase) : byStatus(status);
  return phase === 3 && standing === "there" ? "shut" : standing;
}

function byStatus(status: number | string): Standing {
  switch (status) {
    case 2:
    case "SUCCESS":
      return "there";
    case 3:
    case "FAILED":
      return { failed: "it did not reach the lock" };
    case 4:
      return { failed: "the lock has these digits already" };
    case 5:
      return { failed: "the lock is full: see cloud.codesMax" };
    case 6:
      return { failed: "its time overlaps with another password's" };
    default:
      return "under-way";
  }
}

function byPhase(phase: number | null | undefined): Standing {
  switch (phase) {
    case 2:
      return "there";
    case 3:
      return "shut";
    case 5:
    case 7:
      return { failed: "it did not reach the lock" };
    default:
      return "under-way";
  }
}

/** Everything of a password that is written, by a new one and by a change alike. */
export interface PasswordBody {
  readonly name: string;
  /** Enciphered; see ticket.ts. */
  readonly password: string;
  readonly ticketId: string;
  readonly window: CodeWindow;
  /** Of the lock's wall clock; without one nothing is said of hours. */
  readonly timeZone: string | undefined;
}

/** The lock counts in seconds; it opens no second before and none after. An empty list of hours takes those away that were there. */
export function toBody({ name, password, ticketId, window, timeZone }: PasswordBody): object {
  return {
    name,
    password,
    password_type: "ticket",
    ticket_id: ticketId,
    effective_time: Math.ceil(window.from / 1_000),
    invalid_time: Math.floor(window.until / 1_000),
    type: 0,
    ...(timeZone !== undefined && { time_zone: timeZone, schedule_list: window.hours ? [toWeekly(window.hours)] : [] }),
  };
}

function toWeekly({ days, from, until }: CodeHours): object {
  const working_day = days.reduce((sum, day) => sum + bitOf(day), 0);
  return { effective_time: from, invalid_time: until, working_day };
}
