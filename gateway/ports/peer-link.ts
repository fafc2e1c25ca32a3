/** One request to another gateway of the site over the LAN. */
import type { GatewayId, GrantId } from "../domain/grant.ts";
import type { HolderId } from "../domain/rights.ts";

/** "Let me have an entry of this grant." Asked again after a lost answer it gives the same one, not another. */
export interface EntryRequest {
  readonly grant: GrantId;
  /** Who asks, and what it has received from the asked one so far, in all. */
  readonly to: HolderId;
  readonly have: number;
}

/** `from` has sent `total` entries of the grant to the asking holder, in all; no more than `have`: there was none to spare. */
export interface EntryReply {
  readonly from: HolderId;
  readonly total: number;
}

export interface PeerLink {
  /** Where other gateways reach this one, "host:port"; undefined: nowhere. */
  readonly address: string | undefined;
  /** undefined: it cannot be reached, or not as who it should be. Rejects once `signal` fires. */
  ask(gateway: GatewayId, request: EntryRequest, signal: AbortSignal): Promise<EntryReply | undefined>;
}

/** A gateway that is alone at its site. */
export const noPeers: PeerLink = { address: undefined, ask: async () => undefined };
