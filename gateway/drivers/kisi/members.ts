/** The questions about people and what they may open, one request each; and their answers. Pure. */
import { z } from "zod";
import type { CodeRef, CodeWindow, StoredCode } from "../../domain/lock-code.ts";
import type { Question } from "./account.ts";
import { toTime } from "./wire.ts";

/** A role that opens the group's doors, and no more. */
const roleId = "group_basic";
export const pageSize = 100;

/** Free text at the service: it finds every member in whose name or address it stands. */
export const membersLike = (email: string): Question => ({
  method: "GET",
  path: `/members?query=${encodeURIComponent(email)}&limit=${pageSize}`,
});

export const createMember = (name: string, email: string): Question => ({
  method: "POST",
  path: "/members",
  body: { member: { name, email } },
});

export const assignmentsOf = (group: number, offset: number): Question => ({
  method: "GET",
  path: `/role_assignments?group_id=${group}&limit=${pageSize}&offset=${offset}`,
});

export const assign = (user: number, group: number, window: CodeWindow | undefined): Question => ({
  method: "POST",
  path: "/role_assignments",
  body: { role_assignment: { user_id: user, role_id: roleId, group_id: group, ...(window && datesOf(window)) } },
});

export const changeAssignment = (id: string, window: CodeWindow | undefined, method: "PATCH" | "PUT"): Question => ({
  method,
  path: `/role_assignments/${encodeURIComponent(id)}`,
  body: { role_assignment: window ? datesOf(window) : { valid_from: null, valid_until: null } },
});

export const unassign = (id: string): Question => ({
  method: "DELETE",
  path: `/role_assignments/${encodeURIComponent(id)}`,
});

function datesOf({ from, until }: CodeWindow) {
  return { valid_from: toTime(from), valid_until: toTime(until) };
}

const address = z.string().max(1_024).nullish();

const memberSchema = z.object({ user: z.object({ id: z.number().int(), email: address }) });

/** The user of the member with exactly this address; undefined: there is none, "unread": the answer cannot be read. */
export function readUserOf(body: unknown, email: string): number | "unread" | undefined {
  const parsed = z.array(memberSchema).max(pageSize).safeParse(body);
  if (!parsed.success) return "unread";
  return parsed.data.find(({ user }) => user.email && asAccount(user.email) === email)?.user.id;
}

/** The user of a member that was just made; undefined when it cannot be read. */
export function readMadeUser(body: unknown): number | undefined {
  const parsed = memberSchema.safeParse(body);
  return parsed.success ? parsed.data.user.id : undefined;
}

const instant = z
  .string()
  .transform((text) => Date.parse(text))
  .refine((at) => !Number.isNaN(at))
  .nullish();

const assignmentSchema = z.object({
  id: z.number().int(),
  group_id: z.number().int().nullish(),
  applies_to_type: z.string().max(64).nullish(),
  applies_to_id: z.number().int().nullish(),
  user: z.object({ email: address }).nullish(),
  assignee: z.object({ email: address }).nullish(),
  valid_from: instant,
  valid_until: instant,
});

const always = { from: 0, until: 8.64e15 } as const;

/** One page of what stands in a group, as it came; undefined when it cannot be read. */
export function readAssignments(body: unknown): readonly Assignment[] | undefined {
  const parsed = z.array(assignmentSchema).max(pageSize).safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

export type Assignment = z.infer<typeof assignmentSchema>;

/** undefined when nothing is told of what it opens. */
export function isInGroup(
  { group_id, applies_to_type, applies_to_id }: Assignment,
  group: number,
): boolean | undefined {
  if (group_id === group || (applies_to_type === "Group" && applies_to_id === group)) return true;
  const isElsewhere = typeof group_id === "number" || (applies_to_type && typeof applies_to_id === "number");
  return isElsewhere ? false : undefined;
}

/** undefined when nothing is told of whose it is: then nobody can tell ours from others'. One without an address is nobody's whom we know. */
export function toStored(assignment: Assignment, indexOf: (account: string) => string): StoredCode | undefined {
  const { id, user, assignee, valid_from: from, valid_until: until } = assignment;
  const holder = user ?? assignee;
  if (!holder) return undefined;
  const isOpen = typeof from !== "number" && typeof until !== "number";
  return {
    ref: String(id),
    index: holder.email ? indexOf(asAccount(holder.email)) : "",
    window: isOpen ? null : { from: from ?? always.from, until: until ?? always.until },
  };
}

/** The number of a role that was just given; undefined when it cannot be read. */
export function readMadeRole(body: unknown): CodeRef | undefined {
  const parsed = z.object({ id: z.number().int() }).safeParse(body);
  return parsed.success ? String(parsed.data.id) : undefined;
}

/** How long a list is in all, by the header "0-99/120"; undefined where the answer is no page that begins at `offset` and has `count`. */
export function totalOf(range: unknown, offset: number, count: number): number | undefined {
  const [, from, to, total] =
    /^(?:(\d{1,9})-(\d{1,9})|\*)\/(\d{1,9})$/.exec(typeof range === "string" ? range : "") ?? [];
  if (total === undefined) return undefined;
  const isEmpty = from === undefined && count === 0;
  const isThisPage = Number(from) === offset && Number(to) - offset + 1 === count;
  return isEmpty || isThisPage ? Number(total) : undefined;
}

/** An address as it is compared and told: people write one in many ways. */
export function asAccount(email: string): string {
  return email.trim().toLowerCase();
}
