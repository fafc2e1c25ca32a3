/** A grant: this holder may open these access points, within this validity and schedule, this many times. */
import type { AccessPointId } from "./access-point.ts";
import type { Credential } from "./credential.ts";
import type { Instant } from "./instant.ts";
import type { WeeklySchedule } from "./schedule.ts";

export type GrantId = string;
export type SiteId = string;
export type GatewayId = string;
export type UserId = string;

export const grantKinds = ["stay", "temporary", "visitor", "delivery", "member", "staff"] as const;
export type GrantKind = (typeof grantKinds)[number];

/** A restriction: locks that keep codes hold it, and a gateway admits nobody by it until it is given to somebody. A spare code, that is. */
export const reserve = "reserve";

/** A person as the records know one. `document` is an identity document's number, for the blacklist. */
export interface PersonRef {
  readonly id: string;
  readonly name: string;
  readonly document?: string;
}

/** The moments a grant holds: [from, until). */
export interface Validity {
  readonly from: Instant;
  readonly until: Instant;
}

/** The right of one holder at some access points. What makes a stay a stay lives in `about`, which no decision reads. */
export interface Grant {
  readonly id: GrantId;
  readonly site: SiteId;
  readonly kind: GrantKind;
  readonly holder: PersonRef;
  readonly host?: PersonRef;
  readonly createdBy: UserId;
  readonly accessPoints: readonly AccessPointId[];
  readonly validity: Validity;
  readonly schedule?: WeeklySchedule;
  /** null: as often as the holder likes. */
  readonly entriesAllowed: number | null;
  /** "lenient" lets a cut-off gateway admit beyond the rights it holds, flagged; "strict" never. */
  readonly limitMode: "strict" | "lenient";
  /** Where the rights of a limited grant start. */
  readonly homeGateway: GatewayId;
  readonly credentials: readonly Credential[];
  /** Final, as for a credential. */
  readonly revoked: boolean;
  /** Restrictions a gateway must know to honour this grant; one it does not know makes the grant deny. */
  readonly mustUnderstand?: readonly string[];
  readonly about: Readonly<Record<string, unknown>>;
}

/** It asks for something that this version does not know. */
export function isUnreadable({ mustUnderstand }: Pick<Grant, "mustUnderstand">): boolean {
  return mustUnderstand?.some((one) => one !== reserve) ?? false;
}

export function isReserve({ mustUnderstand }: Pick<Grant, "mustUnderstand">): boolean {
  return mustUnderstand?.includes(reserve) ?? false;
}
