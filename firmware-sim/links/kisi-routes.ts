/** The paths of Kisi's API: who asks for what, and what is answered. */
import type { CloudAnswer, CloudRequest } from "./cloud-port.ts";
import { type KisiAccount, type KisiActor, type KisiValidity, kisiCode } from "./kisi-account.ts";
import type { KisiEventSets } from "./kisi-event-sets.ts";
import { group, groupLink, groupLock, lock, member, roleAssignment } from "./kisi-shapes.ts";

/** What may be asked with other verbs than thought: documented, and not yet seen at the real service. */
export type KisiOperation = "delete-member" | "delete-role-assignment" | "update-role-assignment" | "delete-group-link";

export interface KisiQuirks {
  /** Of one user, whatever keys; then 429. */
  requestsPerSecond: number;
  /** Made by one user. */
  eventSetsPerSecond: number;
  /** A new event set is in progress so long. */
  eventSetMs: number;
  /** What unlocking a locked-down door is answered with; the code is documented, the status is not. */
  lockdownStatus: number;
  /** Methods that are understood for each of these. */
  verbs: Readonly<Record<KisiOperation, readonly string[]>>;
}

export interface KisiCaller {
  readonly account: KisiAccount;
  readonly eventSets: KisiEventSets;
  readonly quirks: KisiQuirks;
  /** Whose key it is; a link's holder may only unlock. */
  readonly actor: KisiActor;
  /** May do anything; without it may look and nothing else. */
  readonly isOwner: boolean;
}

type Fields = Readonly<Record<string, unknown>>;
type Messages = Record<string, readonly string[]>;

const offsetMax = 20_000;
const usualLimit = { usual: 10, max: 250 };
const memberLimit = { usual: 50, max: 100 };
const done: CloudAnswer = { status: 204 };
export const noPath = kisiError(404, kisiCode.unexpected, "Not found.");
const forbidden = kisiError(403, kisiCode.denied, "Access denied.");

export function kisiError(status: number, code: string, error: string): CloudAnswer {
  return { status, json: { code, error } };
}

function invalid(errors: Messages): CloudAnswer {
  return { status: 422, json: { errors } };
}

export function answerKisi(caller: KisiCaller, request: CloudRequest): CloudAnswer {
  const [resource = "", id, action, ...deeper] = request.path;
  if (deeper.length > 0) return noPath;
  if (request.method !== "GET" && !caller.isOwner && resource !== "locks") return forbidden;
  const of = routes[resource];
  return of ? of({ ...caller, request, body: () => bodyOf(request.body) }, id, action) : noPath;
}

interface Asked extends KisiCaller {
  readonly request: CloudRequest;
  /** As JSON. */
  readonly body: () => Fields;
}

type Route = (asked: Asked, id: string | undefined, action: string | undefined) => CloudAnswer;

const routes: Readonly<Record<string, Route>> = {
  members: (asked, id) => {
    const { account, request } = asked;
    if (id === undefined && request.method === "GET") return listMembers(asked);
    if (id === undefined && request.method === "POST") return createMember(asked);
    const found = account.members().find((one) => String(one.id) === id);
    if (!found) return noPath;
    if (request.method === "GET") return { status: 200, json: member(found) };
    return isVerb(asked, "delete-member") && account.removeMember(found.id) ? done : noPath;
  },
  role_assignments: (asked, id) => {
    const { account, request } = asked;
    if (id === undefined && request.method === "GET") return listAssignments(asked);
    if (id === undefined && request.method === "POST") return createAssignment(asked);
    const found = account.assignments().find((one) => String(one.id) === id);
    if (!found) return noPath;
    if (request.method === "GET") return { status: 200, json: roleAssignment(account, found) };
    if (isVerb(asked, "update-role-assignment")) return changeAssignment(asked, found.id, found);
    return isVerb(asked, "delete-role-assignment") && account.unassign(found.id) ? done : noPath;
  },
  group_links: (asked, id) => {
    const { account, request } = asked;
    if (id === undefined && request.method === "GET") return listLinks(asked);
    if (id === undefined && request.method === "POST") return createLink(asked);
    return isVerb(asked, "delete-group-link") && account.removeLink(Number(id)) ? done : noPath;
  },
  groups: ({ account, request }, id) => {
    if (request.method !== "GET") return noPath;
    if (id === undefined)
      return page(
        request.query,
        account.groups.map((one) => group(account, one)),
      );
    const found = account.groups.find((one) => String(one.id) === id);
    return found ? { status: 200, json: group(account, found) } : noPath;
  },
  group_locks: ({ account, request: { method, query } }, id) => {
    if (method !== "GET" || id !== undefined) return noPath;
    const found = account.groups.find((one) => String(one.id) === query.get("group_id"));
    if (!found) return kisiError(400, kisiCode.unexpected, "group_id is missing or unknown.");
    const doors = account.doors.filter((door) => found.locks.includes(door.id));
    return page(
      query,
      doors.map((door) => groupLock(account, found, door)),
    );
  },
  locks: (asked, id, action) => {
    const { account, request } = asked;
    if (id === undefined) {
      if (request.method !== "GET") return noPath;
      const text = (request.query.get("query") ?? "").toLowerCase();
      const meant = account.doors.filter(({ name }) => name.toLowerCase().includes(text));
      return page(
        request.query,
        meant.map((door) => lock(account, door)),
      );
    }
    const door = account.door(Number(id));
    if (!door) return kisiError(404, kisiCode.noDoor, "The door could not be found.");
    if (action === undefined) return request.method === "GET" ? { status: 200, json: lock(account, door) } : noPath;
    if (request.method !== "POST") return noPath;
    if (action === "unlock") return unlock(asked, door.id);
    if (!asked.isOwner) return forbidden;
    if (action === "lock_down") return door.setMode("locked-down") === "done" ? done : offline;
    if (action === "cancel_lockdown") return door.setMode("controlled") === "done" ? done : offline;
    return noPath;
  },
  event_sets: ({ eventSets, quirks, request, body }, id) => {
    const said =
      id === undefined && request.method === "POST"
        ? eventSets.create(asFields(body().event_set), quirks.eventSetMs)
        : request.method === "GET"
          ? eventSets.read(Number(id), request.query)
          : undefined;
    if (!said) return noPath;
    return { status: "errors" in said ? 422 : 200, json: said };
  },
};

const offline = kisiError(503, kisiCode.offline, "The Kisi controller is currently unavailable.");

function unlock({ account, actor, isOwner, quirks }: Asked, id: number): CloudAnswer {
  const door = account.door(id);
  if (!door || (!isOwner && actor.type !== "GroupLink")) return forbidden;
  switch (account.unlock(door, actor)) {
    case "unlocked":
      return { status: 200, json: { message: "Unlocked!" } };
    case "offline":
      return offline;
    case "locked-down":
      return kisiError(quirks.lockdownStatus, kisiCode.lockedDown, "The door is currently locked down.");
  }
}

/** `query` is free text: it finds every address that contains it. */
function listMembers({ account, request: { query } }: Asked): CloudAnswer {
  const text = (query.get("query") ?? "").toLowerCase();
  const userId = query.get("user_id");
  const meant = account
    .members()
    .filter(({ name, email }) => [name, email].some((field) => field.toLowerCase().includes(text)))
    .filter((one) => userId === null || String(one.userId) === userId);
  return page(query, meant.map(member), memberLimit);
}

function createMember({ account, body }: Asked): CloudAnswer {
  const { name, email } = asFields(body().member);
  if (typeof email !== "string" || !/^[^@\s]+@[^@\s]+$/.test(email))
    return invalid({ email: ["can't be blank or invalid"] });
  if (name !== undefined && typeof name !== "string") return invalid({ name: ["is invalid"] });
  const made = account.addMember(name ?? email, email);
  return made === "taken" ? invalid({ email: ["has already been taken"] }) : { status: 200, json: member(made) };
}

function listAssignments({ account, request: { query } }: Asked): CloudAnswer {
  const says = (name: string, value: unknown) => query.get(name) === null || query.get(name) === String(value);
  const text = (query.get("query") ?? "").toLowerCase();
  if (query.has("assignee_id") && !query.has("assignee_type")) return incomplete("assignee_id", "assignee_type");
  if (query.has("applies_to_id") && !query.has("applies_to_type"))
    return incomplete("applies_to_id", "applies_to_type");
  const meant = account.assignments().filter(({ userId, groupId, roleId }) => {
    const holder = account.members().find((one) => one.userId === userId);
    return (
      says("user_id", userId) &&
      says("assignee_id", userId) &&
      says("assignee_type", "User") &&
      says("group_id", groupId) &&
      says("applies_to_id", groupId) &&
      says("applies_to_type", "Group") &&
      says("role_id", roleId) &&
      `${holder?.email}\n${holder?.name}`.toLowerCase().includes(text)
    );
  });
  return page(
    query,
    meant.map((one) => roleAssignment(account, one)),
  );
}

function incomplete(name: string, other: string): CloudAnswer {
  return kisiError(400, kisiCode.unexpected, `${name} must be used with ${other}.`);
}

/** In the form with assignee and applies_to, and in the older one with user_id and group_id. */
function createAssignment({ account, body }: Asked): CloudAnswer {
  const wish = asFields(body().role_assignment);
  const userId = wish.assignee_id ?? wish.user_id;
  const groupId = wish.applies_to_id ?? wish.group_id;
  const { role_id: roleId } = wish;
  const errors: Messages = {};
  if (!account.members().some((one) => one.userId === userId)) errors.assignee = ["must exist"];
  if (!account.groups.some((one) => one.id === groupId)) errors.applies_to = ["must exist"];
  if ((wish.assignee_type ?? "User") !== "User") errors.assignee_type = ["is not included in the list"];
  if ((wish.applies_to_type ?? "Group") !== "Group") errors.applies_to_type = ["is not included in the list"];
  if (typeof roleId !== "string" || roleId === "") errors.role_id = ["can't be blank"];
  const validity = readValidity(wish, { validFrom: null, validUntil: null }, errors);
  if (Object.keys(errors).length > 0) return invalid(errors);
  const made = account.assign({
    userId: Number(userId),
    groupId: Number(groupId),
    roleId: String(roleId),
    ...validity,
  });
  return { status: 200, json: roleAssignment(account, made) };
}

function changeAssignment({ account, body }: Asked, id: number, stands: KisiValidity): CloudAnswer {
  const wish = asFields(body().role_assignment);
  const errors: Messages = {};
  const validity = readValidity(wish, stands, errors);
  if (Object.keys(errors).length > 0) return invalid(errors);
  const roleId = typeof wish.role_id === "string" ? { roleId: wish.role_id } : {};
  return account.changeAssignment(id, { ...validity, ...roleId }) ? done : noPath;
}

function listLinks({ account, request: { query } }: Asked): CloudAnswer {
  const text = (query.get("query") ?? "").toLowerCase();
  const groupId = query.get("group_id");
  const meant = account
    .links()
    .filter(({ name, email, phone }) => `${name}\n${email ?? ""}\n${phone ?? ""}`.toLowerCase().includes(text))
    .filter((one) => groupId === null || String(one.groupId) === groupId);
  return page(
    query,
    meant.map((one) => groupLink(account, one, { withSecret: false })),
  );
}

function createLink({ account, body }: Asked): CloudAnswer {
  const wish = asFields(body().group_link);
  const { name, email = null, phone = null, group_id: groupId } = wish;
  const errors: Messages = {};
  if (typeof name !== "string" || name === "") errors.name = ["can't be blank"];
  if (!account.groups.some((one) => one.id === groupId)) errors.group = ["must exist"];
  if (email !== null && typeof email !== "string") errors.email = ["is invalid"];
  if (phone !== null && !(typeof phone === "string" && /^\+1\d{10}$/.test(phone))) errors.phone = ["is invalid"];
  const validity = readValidity(wish, { validFrom: null, validUntil: null }, errors);
  if (Object.keys(errors).length > 0) return invalid(errors);
  const said = { name: String(name), email: email as string | null, phone: phone as string | null };
  const made = account.addLink({ ...said, groupId: Number(groupId), ...validity });
  return { status: 200, json: groupLink(account, made, { withSecret: true }) };
}

/** What is not said stays as it `stands`; what is wrong is written into `errors`. */
function readValidity(wish: Fields, stands: KisiValidity, errors: Messages): KisiValidity {
  const read = (name: string, was: number | null) => {
    const value = wish[name];
    if (value === undefined || value === null) return value === null ? null : was;
    const at = typeof value === "string" && zonedDate.test(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(at)) errors[name] = ["is invalid"];
    return at;
  };
  const validity = {
    validFrom: read("valid_from", stands.validFrom),
    validUntil: read("valid_until", stands.validUntil),
  };
  const { validFrom, validUntil } = validity;
  if (validFrom !== null && validUntil !== null && validUntil <= validFrom)
    errors.valid_until = ["must be after valid_from"];
  return validity;
}

const zonedDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

function page(query: URLSearchParams, all: readonly Fields[], { usual, max } = usualLimit): CloudAnswer {
  const limit = Number(query.get("limit") ?? usual);
  const offset = Number(query.get("offset") ?? 0);
  if (!Number.isInteger(limit) || limit < 1 || limit > max)
    return kisiError(400, kisiCode.unexpected, "limit is invalid.");
  if (!Number.isInteger(offset) || offset < 0 || offset > offsetMax)
    return kisiError(400, kisiCode.unexpected, "offset is invalid.");
  const ids = query.get("ids")?.split(",");
  const meant = ids ? all.filter(({ id }) => ids.includes(String(id))) : all;
  const shown = meant.slice(offset, offset + limit);
  const range = shown.length === 0 ? "*" : `${offset}-${offset + shown.length - 1}`;
  return { status: 200, json: shown, headers: { "X-Collection-Range": `${range}/${meant.length}` } };
}

function isVerb({ quirks, request }: Asked, operation: KisiOperation): boolean {
  return quirks.verbs[operation].includes(request.method);
}

/** Throws a SyntaxError for what is not JSON. */
function bodyOf(sent: string): Fields {
  return asFields(sent === "" ? {} : JSON.parse(sent));
}

function asFields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}
