/** The paths of Brivo's API: who asks for what with which verb, and what is answered. */
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import type { BrivoAccount, BrivoAction, BrivoEvent, BrivoGroup, BrivoHappening, BrivoUser } from "./brivo-account.ts";
import {
  badCriteria,
  badListing,
  brivoError,
  forbidden,
  noDoor,
  noGroup,
  noSubscription,
  noUser,
} from "./brivo-errors.ts";
import { eventPage, isUserMeant, page, readFilters, userFilters } from "./brivo-lists.ts";
import { setOverride } from "./brivo-override.ts";
import { accessPoint, event, group, listedUser, liveStatus, subscription, user } from "./brivo-shapes.ts";
import { subscribe } from "./brivo-subscribe.ts";
import { type PinDigits, readUserBody } from "./brivo-user-body.ts";
import type { CloudAnswer, CloudRequest } from "./cloud-port.ts";

/** What the copy of the manual shows without its verb. */
export type BrivoOperation =
  | "replace-user"
  | "patch-user"
  | "suspend-user"
  | "activate"
  | "set-override"
  | "cancel-override";

export interface BrivoRules {
  pinDigits: PinDigits;
  /** Doors that administrators may not pulse. */
  notActivated: readonly number[];
  /** What the service calls things. */
  actions: Readonly<Record<BrivoHappening, BrivoAction>>;
  /** Methods that are understood for each of these. */
  readonly verbs: Readonly<Record<BrivoOperation, readonly string[]>>;
}

export interface BrivoCaller {
  readonly account: BrivoAccount;
  readonly rules: BrivoRules;
}

interface Asked extends BrivoCaller {
  readonly request: CloudRequest;
  /** What stands in the path for each ":name". */
  readonly named: Readonly<Record<string, string>>;
  /** As JSON; throws a SyntaxError for what is none. */
  readonly body: () => unknown;
}

type Answering = (asked: Asked) => CloudAnswer;
type Fields = Readonly<Record<string, unknown>>;

interface Route {
  readonly path: string;
  readonly methods: (rules: BrivoRules) => readonly string[];
  readonly answer: Answering;
}

const done: CloudAnswer = { status: 204 };

/** undefined: there is no such path, or not with this verb. */
export function findBrivoRoute(
  request: CloudRequest,
  rules: BrivoRules,
): ((caller: BrivoCaller) => CloudAnswer) | undefined {
  for (const { path, methods, answer } of routes) {
    const named = match(path.split("/"), request.path);
    if (!named || !methods(rules).includes(request.method)) continue;
    return (caller) => answer({ ...caller, request, named, body: () => JSON.parse(request.body) });
  }
  return undefined;
}

function match(pattern: readonly string[], path: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== path.length) return undefined;
  const named: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const said = path[index] ?? "";
    if (part.startsWith(":")) named[part.slice(1)] = said;
    else if (part !== said) return undefined;
  }
  return named;
}

function on(method: string, path: string, answer: Answering): Route {
  return { path, methods: () => [method], answer };
}

function onVerbOf(operation: BrivoOperation, path: string, answer: Answering): Route {
  return { path, methods: ({ verbs }) => verbs[operation], answer };
}

const routes: readonly Route[] = [
  on("GET", "users", ({ account, request: { query } }) => {
    const filters = readFilters(query, userFilters);
    if (!filters) return badCriteria;
    const meant = account.users().filter((one) => filters.every((filter) => isUserMeant(account, one, filter)));
    return listed(page(query, meant, listedUser), badCriteria);
  }),
  on("POST", "users", ({ account, rules, body }) => {
    const wish = readUserBody(body(), rules.pinDigits);
    if (wish?.firstName === undefined || wish.lastName === undefined) return badCriteria;
    const made = account.addUser({ ...wish, firstName: wish.firstName, lastName: wish.lastName });
    return made === "refused" ? badCriteria : { status: 200, json: user(made) };
  }),
  on("GET", "users/:externalId/external", ({ account, named: { externalId } }) => {
    const found = account.users().find((one) => one.externalId === externalId);
    return found ? { status: 200, json: user(found) } : noUser;
  }),
  on(
    "GET",
    "users/:user",
    ofUser((_, found) => ({ status: 200, json: user(found) })),
  ),
  on(
    "DELETE",
    "users/:user",
    ofUser(({ account }, { id }) => (account.removeUser(id) ? done : noUser)),
  ),
  onVerbOf(
    "replace-user",
    "users/:user",
    ofUser((asked, found) => change(asked, found, { keepsRest: false })),
  ),
  onVerbOf(
    "patch-user",
    "users/:user",
    ofUser((asked, found) => change(asked, found, { keepsRest: true })),
  ),
  on(
    "GET",
    "users/:user/suspended",
    ofUser((_, { id, suspended }) => ({ status: 200, json: { id, suspended } })),
  ),
  onVerbOf(
    "suspend-user",
    "users/:user/suspended",
    ofUser(({ account, body }, found) => {
      const said = body();
      if (!saysWhetherSuspended(said)) return badCriteria;
      account.suspend(found, said.suspended);
      return { status: 200, json: { id: found.id, suspended: said.suspended } };
    }),
  ),
  on(
    "GET",
    "users/:user/groups",
    ofUser(({ account }, { id }) => {
      const groups = account.groupsOf(id).map(group);
      return { status: 200, json: { data: groups, count: groups.length } };
    }),
  ),
  on("GET", "groups", ({ account, request: { query } }) => {
    const filters = readFilters(query, { name: ["eq"] });
    if (!filters) return badCriteria;
    const meant = account.groups.filter(({ name }) => filters.every(({ values }) => name.includes(values.join(","))));
    return listed(page(query, meant, group), badCriteria);
  }),
  on(
    "GET",
    "groups/:group",
    ofGroup((_, found) => ({ status: 200, json: group(found) })),
  ),
  on(
    "GET",
    "groups/:group/users",
    ofGroup(({ account, request: { query } }, { id }) =>
      listed(page(query, account.membersOf(id), listedUser), badCriteria),
    ),
  ),
  on(
    "PUT",
    "groups/:group/users/:user",
    ofGroup(({ account, named }, { id }) => {
      const member = account.user(Number(named.user));
      return member && account.join(id, member.id) === "done" ? done : badCriteria;
    }),
  ),
  on(
    "DELETE",
    "groups/:group/users/:user",
    ofGroup(({ account, named }, { id }) => {
      account.leave(id, Number(named.user));
      return done;
    }),
  ),
  on("GET", "access-points", (asked) => {
    const { account, request } = asked;
    const filters = readFilters(request.query, { name: ["eq"] });
    if (!filters) return badCriteria;
    const meant = account.doors.filter(({ name }) => filters.every(({ values }) => name.includes(values.join(","))));
    const shape = (door: SimCloudDoor) => accessPoint(account, door, isActivated(asked, door));
    return listed(page(request.query, meant, shape), badCriteria);
  }),
  on(
    "GET",
    "access-points/:door",
    ofDoor((asked, door) => ({ status: 200, json: accessPoint(asked.account, door, isActivated(asked, door)) })),
  ),
  onVerbOf(
    "activate",
    "access-points/:door/activate",
    ofDoor((asked, door) => {
      if (!isActivated(asked, door)) return forbidden;
      const result = asked.account.activate(door);
      if (result === "offline") return brivoError(412, "Access point is not connected");
      return result === "done" ? { status: 200 } : forbidden;
    }),
  ),
  on(
    "GET",
    "device-status/:door",
    ofDoor(({ account }, door) => ({ status: 200, json: liveStatus(account, door) })),
  ),
  onVerbOf(
    "set-override",
    "schedules/change-state/:door",
    ofDoor(({ account, request, body }, door) => setOverride(account, door, request.headers["accept-version"], body())),
  ),
  onVerbOf(
    "cancel-override",
    "schedules/change-state/:door",
    ofDoor(({ account }, door) => {
      if (!account.override(door)) return brivoError(412, "This door does not have a schedule override");
      if (account.cancelOverride(door) === "done") return { status: 200, json: liveStatus(account, door) };
      return brivoError(417, "Could not reach device to cancel your schedule override.");
    }),
  ),
  on("GET", "events/access", ({ account, rules: { actions }, request: { query } }) => {
    const shape = (one: BrivoEvent) => event(account, one, actions);
    return listed(
      eventPage(account, query, shape, ({ happening }) => actions[happening].exception),
      badListing,
    );
  }),
  on("GET", "event-subscriptions", ({ account, request: { query } }) => {
    const filters = readFilters(query, { name: ["eq"] });
    if (!filters) return badListing;
    const meant = account
      .subscriptions()
      .filter(({ name }) => filters.every(({ values }) => name.includes(values.join(","))));
    return listed(page(query, meant, subscription), badListing);
  }),
  on("POST", "event-subscriptions", ({ account, body }) => subscribe(account, body())),
  on("GET", "event-subscriptions/:subscription", ({ account, named }) => {
    const found = account.subscriptions().find(({ id }) => String(id) === named.subscription);
    return found ? { status: 200, json: subscription(found) } : noSubscription;
  }),
  on("DELETE", "event-subscriptions/:subscription", ({ account, named }) =>
    account.unsubscribe(Number(named.subscription)) ? done : noSubscription,
  ),
];

function ofUser(answer: (asked: Asked, found: BrivoUser) => CloudAnswer): Answering {
  return (asked) => {
    const found = asked.account.user(Number(asked.named.user));
    return found ? answer(asked, found) : noUser;
  };
}

function ofGroup(answer: (asked: Asked, found: BrivoGroup) => CloudAnswer): Answering {
  return (asked) => {
    const found = asked.account.group(Number(asked.named.group));
    return found ? answer(asked, found) : noGroup;
  };
}

function ofDoor(answer: (asked: Asked, door: SimCloudDoor) => CloudAnswer): Answering {
  return (asked) => {
    const door = asked.account.door(Number(asked.named.door));
    return door ? answer(asked, door) : noDoor;
  };
}

function change({ account, rules, body }: Asked, stands: BrivoUser, how: { readonly keepsRest: boolean }): CloudAnswer {
  const wish = readUserBody(body(), rules.pinDigits);
  if (!wish || (!how.keepsRest && (wish.firstName === undefined || wish.lastName === undefined))) return badCriteria;
  const changed = account.changeUser(stands, wish, how);
  return changed === "refused" ? badCriteria : { status: 200, json: user(changed) };
}

function isActivated({ rules }: Asked, door: SimCloudDoor): boolean {
  return !rules.notActivated.includes(door.id);
}

function listed(page: Fields | undefined, otherwise: CloudAnswer): CloudAnswer {
  return page ? { status: 200, json: page } : otherwise;
}

function saysWhetherSuspended(body: unknown): body is { readonly suspended: boolean } {
  return typeof body === "object" && body !== null && "suspended" in body && typeof body.suspended === "boolean";
}
