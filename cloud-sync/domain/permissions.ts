/**
 * Who may do what: one table, asked on every route and every page. A role's reach says how far an action goes; what is not in the table
 * is refused.
 */

/**
 * admin: whoever runs the service · support: helps its customers, changes nothing · owner: of flats, houses, boxes · agency: gives out
 * temporary codes · resident: invites visitors · guard: at the gate · user: looks on.
 */
export const roles = ["admin", "support", "owner", "agency", "resident", "guard", "user"] as const;
export type Role = (typeof roles)[number];

/** "every": at all sites, and what belongs to none · "site": at the person's sites · "own": there, what the person has made. */
export type Reach = "every" | "site" | "own";

/** Roles that rule over other people's doors need a second factor. */
export const rolesWithSecondFactor: readonly Role[] = ["admin", "support"];

export const permissions = {
  "sites.read": {
    admin: "every",
    support: "every",
    owner: "site",
    agency: "site",
    resident: "site",
    guard: "site",
    user: "site",
  },
  "sites.create": { admin: "every" },
  "sites.change": { admin: "every", owner: "site" },
  "gateways.read": { admin: "every", support: "every", owner: "site" },
  "gateways.change": { admin: "every", owner: "site" },
  "doors.read": {
    admin: "every",
    support: "every",
    owner: "site",
    agency: "site",
    resident: "site",
    guard: "site",
    user: "site",
  },
  "doors.change": { admin: "every", owner: "site" },
  "doors.open": { admin: "every", owner: "site", guard: "site" },
  "grants.read": { admin: "every", support: "every", owner: "site", guard: "site", user: "site" },
  "grants.change": { admin: "every", owner: "site" },
  "codes.read": { admin: "every", support: "every", owner: "site", agency: "own", user: "site" },
  "codes.change": { admin: "every", owner: "site", agency: "own" },
  "codes.reveal": { admin: "every", owner: "site", agency: "own" },
  "passes.read": { admin: "every", support: "every", owner: "site", guard: "site", resident: "own" },
  "passes.change": { admin: "every", owner: "site", resident: "own" },
  /** Bookings, and the properties that are let. */
  "stays.read": { admin: "every", support: "every", owner: "site", user: "site" },
  "stays.change": { admin: "every", owner: "site" },
  "stays.reveal": { admin: "every", owner: "site" },
  "properties.change": { admin: "every", owner: "site" },
  /** What the service does by itself: how it went, and now. */
  "jobs.read": { admin: "every", support: "every", owner: "site" },
  "jobs.run": { admin: "every", owner: "site" },
  /** Keys of makers' accounts that gateways use; nobody can read them again. */
  "integrations.read": { admin: "every", support: "every", owner: "site" },
  "integrations.change": { admin: "every", owner: "site" },
  "events.read": { admin: "every", support: "every", owner: "site", guard: "site", user: "site" },
  /** How guards and gates do, counted. */
  "numbers.read": { admin: "every", support: "every", owner: "site" },
  "blacklist.read": { admin: "every", support: "every", owner: "site", guard: "site" },
  "blacklist.change": { admin: "every", owner: "site" },
  "people.read": { admin: "every", support: "every" },
  "people.change": { admin: "every" },
  /** All that is kept about somebody, as one document; one's own is account.self. */
  "people.export": { admin: "every" },
  /** For good. */
  "people.erase": { admin: "every" },
  "audit.read": { admin: "every", support: "every", owner: "site" },
  "security.read": { admin: "every", support: "every" },
  "security.resolve": { admin: "every" },
  "backup.take": { admin: "every" },
  /** One's own sessions, password, factors and language. */
  "account.self": {
    admin: "own",
    support: "own",
    owner: "own",
    agency: "own",
    resident: "own",
    guard: "own",
    user: "own",
  },
} as const satisfies Record<string, Partial<Record<Role, Reach>>>;

export type Action = keyof typeof permissions;
export const actions = Object.keys(permissions) as Action[];

/** A key has no account, and makes and ends none: whoever makes accounts and keys could give itself whatever its scopes leave out. */
export const notForKeys: readonly Action[] = ["account.self", "people.change", "people.export", "people.erase"];

/** What records name whoever shows an administrator's token, which belongs to no person. */
export const tokenHolderId = "admin";

/** Who asks. */
export interface Actor {
  /** What records name: a person's or an API key's id, or tokenHolderId. */
  readonly id: string;
  readonly role: Role;
  /** Sites the person belongs to; those of "every" reach need none. */
  readonly sites: readonly string[];
  /** An API key does these alone; undefined: all that the role may. */
  readonly scopes?: readonly Action[] | undefined;
  /** Whoever signed in; undefined: an API key or an administrator's token, which have no account. */
  readonly person?: SignedIn | undefined;
}

export interface SignedIn {
  readonly name: string;
  /** ISO 639-1: which language the person reads. */
  readonly language: string;
  readonly session: string;
  /** The role needs a second factor and the person has none yet: `scopes` are cut down to setting one up. */
  readonly needsSecondFactor: boolean;
}

/** What the action is done to. */
export interface Thing {
  /** The site it belongs to; undefined: to none. */
  readonly site?: string | undefined;
  /** Who made it; undefined: an action that is not about one thing, such as a list, whose maker filters it by ownOnly(). */
  readonly madeBy?: string | undefined;
}

export function reachOf({ role, scopes }: Pick<Actor, "role" | "scopes">, action: Action): Reach | undefined {
  if (scopes && !scopes.includes(action)) return undefined;
  const reaches: Partial<Record<Role, Reach>> = permissions[action];
  return reaches[role];
}

export function may(actor: Actor, action: Action, { site, madeBy }: Thing = {}): boolean {
  const reach = reachOf(actor, action);
  if (reach === undefined) return false;
  if (reach === "every") return true;
  if (site !== undefined && !actor.sites.includes(site)) return false;
  return reach === "site" || madeBy === undefined || madeBy === actor.id;
}

/** Whose things a list of this action is cut down to; undefined: everybody's. */
export function ownOnly(actor: Actor, action: Action): string | undefined {
  return reachOf(actor, action) === "own" ? actor.id : undefined;
}

/** The sites a list of this action is cut down to; undefined: all. */
export function sitesOf(actor: Actor, action: Action): readonly string[] | undefined {
  return reachOf(actor, action) === "every" ? undefined : actor.sites;
}
