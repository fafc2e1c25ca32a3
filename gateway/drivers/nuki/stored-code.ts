/** Keypad codes as Nuki Web tells and takes them. Pure. */
import { z } from "zod";
import type { Instant } from "../../domain/instant.ts";
import type { CodeHours, CodeWindow, StoredCode } from "../../domain/lock-code.ts";
import type { Weekday } from "../../domain/schedule.ts";
import type { CodeToSet } from "../../ports/device.ts";
import { readKeypadHours, toKeypadHours } from "../common/nuki.ts";
import { type CodeBody, keypadCode } from "./through-fetch.ts";

const instant = z
  .string()
  .transform((text) => Date.parse(text))
  .refine((at) => !Number.isNaN(at))
  .nullish();

const authSchema = z.object({
  id: z.string().min(1).max(128),
  authId: z.number().nullish(),
  type: z.number(),
  name: z.string().nullish(),
  code: z.number().int().nullish(),
  enabled: z.boolean().nullish(),
  allowedFromDate: instant,
  allowedUntilDate: instant,
  /** The sum of 64 for Monday, 32 for Tuesday … 1 for Sunday. */
  allowedWeekDays: z.number().nullish(),
  /** Minutes after midnight at the lock. */
  allowedFromTime: z.number().nullish(),
  allowedUntilTime: z.number().nullish(),
  operationId: z.unknown().optional(),
});
type Auth = z.infer<typeof authSchema>;

/** Permissions of other kinds stand in the list, too. */
const anyAuthSchema = z.object({ type: z.number() });

const weekdays = [1, 2, 3, 4, 5, 6, 7] as const satisfies readonly Weekday[];
const always = { from: 0, until: 8.64e15 } as const;

export interface ListedCode extends StoredCode {
  /** The number the lock itself has for it; the log may name it by that. */
  readonly authId?: number;
}

/** undefined when the list, or a single code in it, cannot be read: a code that is overlooked would count as gone. */
export function readCodes(body: unknown, indexOf: (digits: string) => string): readonly ListedCode[] | undefined {
  const list = z.array(anyAuthSchema.loose()).safeParse(body);
  if (!list.success) return undefined;
  const codes = z.array(authSchema).safeParse(list.data.filter(({ type }) => type === keypadCode));
  return codes.success ? codes.data.map((auth) => toListed(auth, indexOf)) : undefined;
}

function toListed(auth: Auth, indexOf: (digits: string) => string): ListedCode {
  return {
    ref: auth.id,
    index: auth.code === null || auth.code === undefined ? "masked" : indexOf(String(auth.code)),
    ...(auth.name !== null && auth.name !== undefined && { label: auth.name }),
    window: windowOf(auth),
    ...(isSet(auth.operationId) && { pending: true }),
    ...(auth.authId !== null && auth.authId !== undefined && { authId: auth.authId }),
  };
}

/** A code that is switched off opens never. */
function windowOf(auth: Auth): CodeWindow | null {
  if (auth.enabled === false) return { from: 0, until: 0 };
  const hours = hoursOf(auth);
  const { allowedFromDate: from, allowedUntilDate: until } = auth;
  if (!isSet(from) && !isSet(until) && !hours) return null;
  return { from: from ?? always.from, until: until ?? always.until, ...(hours && { hours }) };
}

function hoursOf({ allowedWeekDays, allowedFromTime, allowedUntilTime }: Auth): CodeHours | undefined {
  const days = weekdays.filter((day) => ((allowedWeekDays ?? 0) & bitOf(day)) !== 0);
  return readKeypadHours(days, { from: allowedFromTime ?? 0, until: allowedUntilTime ?? 0 });
}

function bitOf(day: Weekday): number {
  return 64 >> (day - 1);
}

/** Nuki Web waits for an operation while it has an id. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** A change says "no window" by null, and "any hour" by all of them, or what was there before would stay; a new code has none to begin with. */
export function toBody({ ref, label, digits, window }: CodeToSet): CodeBody {
  const isNew = ref === undefined;
  const none = isNew ? {} : { allowedFromDate: null, allowedUntilDate: null };
  return {
    name: label,
    code: Number(digits.reveal()),
    ...(window ? { allowedFromDate: rfc3339(window.from), allowedUntilDate: rfc3339(window.until) } : none),
    ...(isNew && !window?.hours ? {} : hoursBody(window?.hours)),
  };
}

function hoursBody(hours: CodeHours | undefined): Partial<CodeBody> {
  const { days, from, until } = toKeypadHours(hours);
  const allowedWeekDays = days.reduce((sum, day) => sum + bitOf(day), 0);
  return { allowedWeekDays, allowedFromTime: from, allowedUntilTime: until };
}

function rfc3339(at: Instant): string {
  return new Date(at).toISOString();
}
