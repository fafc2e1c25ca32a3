/** The site feed: what the cloud tells a gateway. Compacted: each row once, at its last state. */
import type { GatewayId, Grant } from "./grant.ts";
import type { HoldOpen } from "./hold-open.ts";
import type { Integration } from "./integration.ts";
import type { Placement } from "./rights.ts";
import type { BlacklistEntry, Site } from "./site.ts";
import type { StaffMember } from "./staff.ts";

/** Which history, and how far into it. A feed the gateway has never polled is `{ feed: "", version: 0 }`. */
export interface Cursor {
  readonly feed: string;
  readonly version: number;
}

export const noCursor: Cursor = { feed: "", version: 0 };

interface RowFacts {
  readonly id: string;
  /** Version of the feed at which this state was written. */
  readonly ver: number;
  /** First 16 bytes, in hex, of SHA-256 over the row as received; see wire/feed.ts. Adds up to the checksum of the set. */
  readonly sum: string;
  /** Ids of grants and credentials revoked for ever, repeated on a tombstone, because a compacted feed skips states. */
  readonly revoked?: readonly string[];
}

export type FeedRow = RowFacts &
  (
    | ({ readonly kind: "grant"; readonly body: Grant } & Placement)
    /** A gateway of this site, this one included. */
    | { readonly kind: "gateway"; readonly body: PeerGateway }
    | { readonly kind: "blacklist"; readonly body: BlacklistEntry }
    | { readonly kind: "site"; readonly body: Site }
    /** `id` is the access point that is held open: at most one hold stands at each. */
    | { readonly kind: "hold-open"; readonly body: HoldOpen }
    | { readonly kind: "staff"; readonly body: StaffMember }
    /** Of any gateway of the site; only its own can use it. */
    | { readonly kind: "integration"; readonly body: Integration }
    /** A tombstone: the row left the site's set. `of` is its kind. */
    | { readonly kind: "gone"; readonly of: string }
    /** A kind or a shape this version cannot read: counted in the checksum, grants nothing. `of` is the kind it said it was. */
    | { readonly kind: "unreadable"; readonly of: string }
  );

/** What gateways of a site know of each other. */
export interface PeerGateway {
  readonly id: GatewayId;
  readonly name: string;
  readonly epoch: number;
  /** Ed25519, the JWK member "x": who speaks with this key on the LAN is this gateway. */
  readonly publicKey: string;
  /** Where it answers on the LAN, "host:port"; absent when it does not. */
  readonly lan?: string;
}

export interface FeedPage {
  readonly feed: string;
  /** The cursor after this page. */
  readonly to: number;
  /** Forget the old set: this page begins a whole one. */
  readonly reset: boolean;
  /** The set is whole with this page. */
  readonly complete: boolean;
  readonly rows: readonly FeedRow[];
}

/** Number of live rows, and the sum of their sums modulo 2^128 in hex. */
export interface Checksum {
  readonly rows: number;
  readonly sum: string;
}
