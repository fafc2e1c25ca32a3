/**
 * What an entry of the audit trail says, and what of a change may stand in it: never a secret, and no person's name, because an entry is
 * for ever and a person may ask to be forgotten. People are named by their ids.
 */
import type { Instant } from "../../gateway/domain/instant.ts";

/** A thing's fields before or after a change; what JSON can say. */
export type Facts = Readonly<Record<string, unknown>>;

/** Where a request came from. */
export interface Origin {
  readonly address: string;
  /** What the browser or program calls itself. */
  readonly device: string;
}

/** The same as it stands in the trail: unreadable once its key is gone. */
export interface SealedOrigin {
  /** The key's id. */
  readonly key: string;
  /** base64url. */
  readonly sealed: string;
}

/** What is left of an origin whose key is gone. */
export const erasedOrigin: Origin = { address: "erased", device: "erased" };

/** `O`: how the origin stands there. Entries of the trail's first days have theirs in the clear. */
export interface AuditBody<O = Origin> {
  /** "*": it belongs to no site. */
  readonly site: string;
  /** From 1 for each site, without a hole. */
  readonly seq: number;
  readonly at: Instant;
  /** Who: the id of a person, a key, or "admin" for the service's own token. */
  readonly actor: string;
  /** A word such as "grants.revoke". */
  readonly action: string;
  /** The id of what was changed. */
  readonly thing: string;
  /** The fields that changed; null: there was nothing before, or there is nothing after. */
  readonly before: Facts | null;
  readonly after: Facts | null;
  readonly from: O;
}

export type StoredAuditBody = AuditBody<Origin | SealedOrigin>;

/** Stands for a value that must not be told: that it is another one is all that is said. */
export const changed = "changed";

/** Fields whose value is a secret or says who somebody is, wherever they stand. */
const untold = new Set([
  "value",
  "code",
  "digits",
  "password",
  "token",
  "secret",
  "sealed",
  "index",
  "hash",
  "key",
  "name",
  "userName",
  "email",
  "phone",
  "document",
  "reason",
]);

/** A site's, a gateway's or a door's name is nobody's: its field is called `title` here. */
export function tellable(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([field, value]) => [field, tell(field, value)]));
}

function tell(field: string, value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (untold.has(field)) return changed;
  if (Array.isArray(value)) return value.map((one) => tell("", one));
  return typeof value === "object" ? tellable(value as Facts) : value;
}

/** The fields that differ, on both sides. What is secret is compared first and hidden then. */
export function difference(
  before: Facts | undefined,
  after: Facts | undefined,
): { readonly before: Facts | null; readonly after: Facts | null } {
  if (!before || !after) return { before: before ? tellable(before) : null, after: after ? tellable(after) : null };
  const differing = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]),
  );
  const only = (facts: Facts) => tellable(Object.fromEntries(differing.map((field) => [field, facts[field] ?? null])));
  return { before: only(before), after: only(after) };
}
