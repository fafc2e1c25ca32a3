/**
 * A visitor's pass in its second form: a QR code that carries the pass itself, signed by the cloud, so that it opens at a gate that has been
 * cut off since before it was made. Its bytes and its signature are wire/signed-pass.ts's affair.
 */
import type { AccessPointId } from "./access-point.ts";
import type { CredentialId } from "./credential.ts";
import type { Candidate } from "./decide.ts";
import type { GatewayId, GrantId, SiteId, Validity } from "./grant.ts";
import type { Instant, Millis } from "./instant.ts";

/** One that is cut off learns of no revocation, so none is good for longer. */
export const signedLifeMaxMs: Millis = 24 * 3_600_000;

/** Doors that one can name. */
export const signedDoorsMax = 8;

/** A key by which the cloud signs a site's passes. */
export interface PassKey {
  /** Ed25519, the JWK member "x". One that this version cannot read proves nothing. */
  readonly publicKey: string;
  /** Another has taken its place, and by then all that it signed is over; absent: it signs now. */
  readonly until?: Instant;
}

/** What one says, once its signature was checked. */
export interface SignedPass {
  readonly grant: GrantId;
  readonly credential: CredentialId;
  readonly validity: Validity;
  /** Entries placed at its home gate, in all, as in domain/rights.ts; null: no limit. */
  readonly entries: number | null;
  /** Those of its doors that this gateway serves. */
  readonly accessPoints: readonly AccessPointId[];
  /** "here-before": this gateway, in an epoch that is over · "elsewhere": `homeGateway`, or one that nobody here knows. */
  readonly home: "here" | "here-before" | "elsewhere";
  readonly homeGateway: GatewayId | undefined;
}

/** The grant it stands for where no row tells. `isRowUnreadable`: there is one, and this version cannot read it. */
export function candidateOf(signed: SignedPass, site: SiteId, isRowUnreadable: boolean): Candidate {
  const { grant: id, credential, accessPoints, validity, entries, homeGateway = "" } = signed;
  const presented = { id: credential, kind: "pass", index: "", revoked: false } as const;
  return {
    grant: {
      id,
      site,
      kind: "visitor",
      holder: { id: "", name: "" },
      createdBy: "",
      accessPoints,
      validity,
      entriesAllowed: entries,
      limitMode: "strict",
      homeGateway,
      credentials: [presented],
      revoked: false,
      ...(isRowUnreadable && { mustUnderstand: ["its row"] }),
      about: {},
    },
    credential: presented,
    signed,
  };
}

/** Entries that its word places at this gateway, in all. */
export function placedBy(signed: SignedPass | undefined): number {
  return signed?.home === "here" ? (signed.entries ?? 0) : 0;
}
