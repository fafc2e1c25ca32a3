/** What the simulation knows of a grant, whatever its gateways and its cloud have forgotten. */
import type { Cursor } from "../../gateway/domain/feed.ts";

export interface SignedForm {
  readonly text: string;
  /** Of the home gateway then. */
  readonly epoch: number;
  readonly until: number;
}

export interface KnownGrant {
  readonly id: string;
  readonly kind: string;
  /** "pass": a visitor's, which guards alone scan. */
  readonly via: "pin" | "pass";
  /** The PIN, or what the pass's QR code says. */
  readonly code: string;
  /** Of a visitor. */
  readonly document: string | undefined;
  readonly homeGateway: string;
  /** The pass in its signed form, as its visitor last looked at it. */
  signed: SignedForm | undefined;
  /** The largest it has been since nobody waits for a lower one. */
  limit: number | null;
  readonly until: number;
  readonly from: number;
  /** Feed and version that revoked it, once revoked. */
  revoked: Cursor | undefined;
  /** Those that put it, or its holder, on the blacklist. */
  barred: Cursor | undefined;
  /** Those from which on no gateway of this version can read it. */
  unreadable: Cursor | undefined;
  /** The cloud was restored since: entries may have been counted as used, the grant may be gone, its revocation lost. */
  shaken: boolean;
  openings: number;
}
