/** Keypad codes as Nuki Web tells and takes them. Pure. */
import { z } from "zod";
import type { Instant } from "../../domain/instant.ts";
import type { CodeWindow, StoredCode } from "../../domain/lock-code.ts";
import type { CodeToSet } from "../../ports/device.ts";
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
  /** A bit for each day. */
  allowedWeekDays: z.number().nullish(),
  /** Minutes after midnight at the lock. */
  allowedFromTime: z.number().nullish(),
  allowedUntilTime: z.number().nullish(),
  operationId: z.unknown().optional(),
});
type Auth = z.infer<typeof authSchema>;

/** Permissions of other kinds stand in the list, too. */
const anyAuthSchema = z.object({ type: z.number() });

const allDays = 127;
const minutesOfDay = 1440;
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
  const window = windowOf(auth);
  return {
    ref: auth.id,
    index: auth.code === null || auth.code === undefined ? "masked" : indexOf(String(auth.code)),
    ...(auth.name !== null && auth.name !== undefined && { label: auth.name }),
    ...(window !== undefined && { window }),
    ...(isSet(auth.operationId) && { pending: true }),
    ...(auth.authId !== null && auth.authId !== undefined && { authId: auth.authId }),
  };
}

/** Nothing that a code of ours has: weekdays and hours are absent, because no range says them; a code that is switched off opens never. */
function windowOf(auth: Auth): CodeWindow | null | undefined {
  if (auth.enabled === false) return { from: 0, until: 0 };
  const isEveryDay = [undefined, null, 0, allDays].includes(auth.allowedWeekDays);
  const hours = (auth.allowedUntilTime ?? 0) - (auth.allowedFromTime ?? 0);
  if (!isEveryDay || (hours !== 0 && hours < minutesOfDay - 1)) return undefined;
  const { allowedFromDate: from, allowedUntilDate: until } = auth;
  if (!isSet(from) && !isSet(until)) return null;
  return { from: from ?? always.from, until: until ?? always.until };
}

/** Nuki Web waits for an operation while it has an id. */
function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

/** A change says "no window" by null, or the window from before would stay; a new code has none to begin with. */
export function toBody({ ref, label, digits, window }: CodeToSet): CodeBody {
  const none = ref === undefined ? {} : { allowedFromDate: null, allowedUntilDate: null };
  return {
    name: label,
    code: Number(digits.reveal()),
    ...(window ? { allowedFromDate: rfc3339(window.from), allowedUntilDate: rfc3339(window.until) } : none),
  };
}

function rfc3339(at: Instant): string {
  return new Date(at).toISOString();
}
