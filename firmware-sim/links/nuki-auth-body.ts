/** What may stand in the body that creates or changes a code through Nuki Web, and why the service refuses one. */
import { isNukiCode, type NukiAllowed } from "../sim-nuki-keypad.ts";

/** What a body says of a code; absent: not said, as `null` takes a restriction away. */
export interface CodeWish {
  readonly name?: string;
  readonly code?: number;
  readonly enabled?: boolean;
  readonly allowed: { readonly [K in keyof NukiAllowed]?: number | null };
}

export type ReadBody = { readonly wish: CodeWish } | { readonly wrong: string };

export const keypadCodeType = 13;
const nameCharactersMax = 32;

const dates = { allowedFromDate: "fromDate", allowedUntilDate: "untilDate" } as const;
const numbers = {
  allowedWeekDays: ["weekDays", 127],
  allowedFromTime: ["fromTime", 1_439],
  allowedUntilTime: ["untilTime", 1_439],
} as const;
const flags = ["enabled", "remoteAllowed", "smartActionsEnabled"] as const;

/** RFC 3339 in UTC with milliseconds; the service reads seconds and minutes alone, too. */
const utcDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?Z$/;

/** Names in its words what it does not take, and the value with it: whoever writes that down writes a code down. */
export function readCodeBody(body: unknown, { creates }: { readonly creates: boolean }): ReadBody {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return { wrong: "body is not an object" };
  const fields = body as Readonly<Record<string, unknown>>;
  const { name, code, type, enabled } = fields;
  if (creates && type !== keypadCodeType) return { wrong: `type ${String(type)} not valid` };
  if ((creates || name !== undefined) && !(typeof name === "string" && name !== "" && name.length <= nameCharactersMax))
    return { wrong: `name ${String(name)} not valid` };
  if ((creates || code !== undefined) && !(typeof code === "number" && isNukiCode(code)))
    return { wrong: `code ${String(code)} not valid` };
  const flag = flags.find((key) => fields[key] !== undefined && typeof fields[key] !== "boolean");
  if (flag) return { wrong: `${flag} ${String(fields[flag])} not valid` };

  const allowed: { -readonly [K in keyof CodeWish["allowed"]]: number | null } = {};
  for (const [key, kept] of Object.entries(dates)) {
    const value = fields[key];
    if (value === undefined) continue;
    const at = typeof value === "string" && utcDate.test(value) ? Date.parse(value) : Number.NaN;
    if (value !== null && Number.isNaN(at)) return { wrong: `${key} ${String(value)} not valid` };
    allowed[kept] = value === null ? null : at;
  }
  for (const [key, [kept, max]] of Object.entries(numbers)) {
    const value = fields[key];
    if (value === undefined) continue;
    if (value !== null && !(Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max))
      return { wrong: `${key} ${String(value)} not valid` };
    allowed[kept] = value === null ? null : Number(value);
  }
  return {
    wish: {
      ...(typeof name === "string" && { name }),
      ...(typeof code === "number" && { code }),
      ...(typeof enabled === "boolean" && { enabled }),
      allowed,
    },
  };
}
