/** What may stand in the body that makes or changes a user through Brivo, and why the service refuses one. */

export interface BrivoAddress {
  readonly address: string;
  readonly type: string;
}

export interface BrivoNumber {
  readonly number: string;
  readonly type: string;
}

export interface BrivoPerson {
  readonly firstName: string;
  readonly middleName?: string;
  readonly lastName: string;
  /** The client's own name of this user; unique in the account. */
  readonly externalId?: string;
  readonly pin?: string;
  /** Milliseconds since 1970; the PIN alone is bound by them. */
  readonly effectiveFrom?: number;
  readonly effectiveTo?: number;
  readonly bleTwoFactorExempt?: boolean;
  readonly emails?: readonly BrivoAddress[];
  readonly phoneNumbers?: readonly BrivoNumber[];
}

export type BrivoWish = Partial<BrivoPerson>;

/** Length of a PIN, as set for the account. */
export interface PinDigits {
  readonly min: number;
  readonly max: number;
}

type Fields = Readonly<Record<string, unknown>>;

const texts = ["firstName", "middleName", "lastName", "externalId", "pin"] as const;
const dates = ["effectiveFrom", "effectiveTo"] as const;
const zonedDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

/** undefined: the service answers 400 and does not say what it disliked. Null and absent mean the same. */
export function readUserBody(body: unknown, pinDigits: PinDigits): BrivoWish | undefined {
  if (!isFields(body)) return undefined;
  const wish: Record<string, unknown> = {};
  for (const name of texts) {
    const value = body[name] ?? undefined;
    if (value === undefined) continue;
    if (typeof value !== "string" || value === "") return undefined;
    wish[name] = value;
  }
  for (const name of dates) {
    const value = body[name] ?? undefined;
    if (value === undefined) continue;
    const at = readDate(value);
    if (at === undefined) return undefined;
    wish[name] = at;
  }
  const { pin } = wish;
  if (typeof pin === "string" && !new RegExp(`^\\d{${pinDigits.min},${pinDigits.max}}$`).test(pin)) return undefined;
  const { emails, phoneNumbers, bleTwoFactorExempt } = body;
  if (!isListOf(emails, "address") || !isListOf(phoneNumbers, "number")) return undefined;
  if (bleTwoFactorExempt !== undefined && typeof bleTwoFactorExempt !== "boolean") return undefined;
  return {
    ...wish,
    ...(bleTwoFactorExempt !== undefined && { bleTwoFactorExempt }),
    ...(emails !== undefined && { emails }),
    ...(phoneNumbers !== undefined && { phoneNumbers }),
  } as BrivoWish;
}

/** With any offset; what is below a second is dropped. */
export function readDate(value: unknown): number | undefined {
  const at = typeof value === "string" && zonedDate.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.floor(at / 1_000) * 1_000;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, key: string): boolean {
  if (value === undefined) return true;
  return Array.isArray(value) && value.every((one) => isFields(one) && typeof one[key] === "string");
}
