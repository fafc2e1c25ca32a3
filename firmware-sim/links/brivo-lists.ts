/** How Brivo hands out lists: filters in its own notation, and pages by offset and size. The history has pages by date. */
import type { BrivoAccount, BrivoEvent, BrivoUser } from "./brivo-account.ts";
import { readDate } from "./brivo-user-body.ts";

export interface BrivoFilter {
  readonly field: string;
  readonly operator: string;
  readonly values: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const pageSizes = { usual: 20, max: 100 };
const dayMs = 86_400_000;
const hourMs = 3_600_000;

/** `field__operator:value,value;…`; undefined: it cannot be read, or names what may not be asked for. */
export function readFilters(query: URLSearchParams, known: Readonly<Record<string, readonly string[]>>) {
  const text = query.get("filter");
  if (text === null || text === "") return [];
  const read = text.split(";").map((part): BrivoFilter | undefined => {
    const [, field = "", operator = "", values = ""] = /^(\w+?)__(\w+):(.+)$/.exec(part) ?? [];
    return known[field]?.includes(operator) ? { field, operator, values: values.split(",") } : undefined;
  });
  return read.every((one) => one !== undefined) ? read : undefined;
}

/** undefined: the page asked for is none. */
export function page<Item>(
  query: URLSearchParams,
  all: readonly Item[],
  shape: (one: Item) => Fields,
): Fields | undefined {
  const size = sizeIn(query);
  const offset = Number(query.get("offset") ?? 0);
  if (size === undefined || !Number.isInteger(offset) || offset < 0) return undefined;
  return { data: all.slice(offset, offset + size).map(shape), offset, pageSize: size, count: all.length };
}

export const userFilters = { id: ["eq", "ne"], firstname: ["eq"], lastname: ["eq"], user_status: ["eq"] };

export function isUserMeant(account: BrivoAccount, user: BrivoUser, { field, operator, values }: BrivoFilter): boolean {
  const has = (text: string) => text.toLowerCase().includes(values.join(",").toLowerCase());
  switch (field) {
    case "id":
      return values.includes(String(user.id)) === (operator === "eq");
    case "firstname":
      return has(user.firstName);
    case "lastname":
      return has(user.lastName);
    default:
      return values.includes(statusOf(account, user));
  }
}

function statusOf(account: BrivoAccount, { id, suspended, pin, effectiveFrom, effectiveTo }: BrivoUser): string {
  if (suspended) return "suspended";
  if (account.groupsOf(id).length === 0) return "unaffiliated";
  const { now } = account;
  return pin !== undefined && (effectiveFrom ?? now) <= now && now < (effectiveTo ?? now + 1) ? "active" : "inactive";
}

const eventFilters = { occurred: ["gt", "lt"], object: ["eq"], site: ["eq"], event_type: ["eq"] };

/**
 * Newest first, of at most one day: without dates of today in UTC. Its dates are cut off to the hour; `offset` is where the page begins,
 * that instant included. undefined: asked for wrongly.
 */
export function eventPage(
  account: BrivoAccount,
  query: URLSearchParams,
  shape: (one: BrivoEvent) => Fields,
  isException: (one: BrivoEvent) => boolean,
): Fields | undefined {
  const size = sizeIn(query);
  const filters = readFilters(query, eventFilters);
  const offset = query.get("offset");
  const begin = offset === null ? Number.POSITIVE_INFINITY : Date.parse(offset);
  if (size === undefined || !filters || Number.isNaN(begin)) return undefined;
  const valuesOf = (name: string, operator = "eq") =>
    filters.find((one) => one.field === name && one.operator === operator)?.values;
  if (valuesOf("object") && valuesOf("site")) return undefined;

  const { now } = account;
  const [after, before] = (["gt", "lt"] as const).map((operator) => valuesOf("occurred", operator)?.[0]);
  const [afterAt, beforeAt] = [after, before].map((value) => (value === undefined ? undefined : readDate(value)));
  if ((after !== undefined && afterAt === undefined) || (before !== undefined && beforeAt === undefined))
    return undefined;
  const from = afterAt ?? (beforeAt === undefined ? toFull(now, dayMs) : beforeAt - dayMs);
  if ((beforeAt ?? now) - from > dayMs) return undefined;

  const types = valuesOf("event_type");
  const shown = account
    .events()
    .filter(({ occurred }) => occurred >= toFull(from, hourMs) && occurred <= begin)
    .filter(({ occurred }) => beforeAt === undefined || occurred < toFull(beforeAt, hourMs))
    .filter(({ door }) => valuesOf("object")?.includes(String(door.id)) ?? true)
    .filter(() => valuesOf("site")?.includes(String(account.site.id)) ?? true)
    .filter((one) => types?.includes(isException(one) ? "exception" : "non_exception") ?? true)
    .slice(0, size);
  return { data: shown.map(shape), ...(offset !== null && { offset }), pageSize: size };
}

function toFull(at: number, unitMs: number): number {
  return Math.floor(at / unitMs) * unitMs;
}

function sizeIn(query: URLSearchParams): number | undefined {
  const size = Number(query.get("pageSize") ?? pageSizes.usual);
  return Number.isInteger(size) && size >= 1 && size <= pageSizes.max ? size : undefined;
}
