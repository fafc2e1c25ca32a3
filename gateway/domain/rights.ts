/**
 * Rights of one limited grant at one gateway: a bounded counter in which every register only grows, so that lost, repeated
 * and reordered messages are harmless (merge is max). Escrow after O'Neil (1986) and Balegas et al. (2015).
 */
import type { GatewayId } from "./grant.ts";

/**
 * A gateway in one of its epochs, "gw-….2". A new card of a gateway begins with empty registers, so what the old one held must
 * never be taken for its own.
 */
export type HolderId = string;

export function holderId(gateway: GatewayId, epoch: number): HolderId {
  return `${gateway}.${epoch}`;
}

/** The gateway of a holder, whichever its epoch. */
export function gatewayOf(holder: HolderId): GatewayId {
  return holder.slice(0, holder.lastIndexOf("."));
}

export function epochOf(holder: HolderId): number {
  return Number(holder.slice(holder.lastIndexOf(".") + 1));
}

/** The cloud's wish to have `n` entries back; answered exactly once, with what could be given, be it none. */
export interface TakeBackOrder {
  /** Grows per grant and holder. */
  readonly no: number;
  readonly n: number;
}

/** What the cloud tells one gateway about a limited grant's entries. */
export interface Placement {
  /** Entries placed here, in all. */
  readonly granted: number;
  readonly order?: TakeBackOrder;
  /** What other holders say they have sent here, in all: known to the cloud even when the answer on the LAN was lost. */
  readonly incoming?: Readonly<Record<HolderId, number>>;
  /** Other gateways that held entries when this was written, most first. */
  readonly heldBy?: readonly GatewayId[];
  /** All were used when this was written, wherever they lay: no use asking elsewhere. */
  readonly spent?: boolean;
}

export interface Rights {
  /** Entries the cloud has placed here, in all. */
  readonly granted: number;
  /** Entries handed back to the cloud, in all. */
  readonly returned: number;
  /** Admissions written down here, in all. */
  readonly used: number;
  /** Those of them whose strike certainly never moved, in all: their right came back. */
  readonly voided: number;
  /** Entries sent to and received from other holders over the LAN, in all. */
  readonly sent: Readonly<Record<HolderId, number>>;
  readonly received: Readonly<Record<HolderId, number>>;
  /** The last take-back order answered. */
  readonly order: number;
}

const none: Readonly<Record<HolderId, number>> = {};
export const noRights: Rights = { granted: 0, returned: 0, used: 0, voided: 0, sent: none, received: none, order: 0 };

/** How many admissions are left here. May be negative after damage: then nothing is. */
export function held(rights: Rights): number {
  return rights.granted + total(rights.received) - total(rights.sent) - rights.returned - rights.used + rights.voided;
}

/** The same grant seen twice: each register's larger value. */
export function merge(a: Rights, b: Rights): Rights {
  return {
    granted: Math.max(a.granted, b.granted),
    returned: Math.max(a.returned, b.returned),
    used: Math.max(a.used, b.used),
    voided: Math.max(a.voided, b.voided),
    sent: mergeEach(a.sent, b.sent),
    received: mergeEach(a.received, b.received),
    order: Math.max(a.order, b.order),
  };
}

function total(each: Readonly<Record<HolderId, number>>): number {
  let sum = 0;
  for (const holder in each) sum += each[holder] ?? 0;
  return sum;
}

/** Most grants are never moved: they share one empty record. */
function mergeEach(
  a: Readonly<Record<HolderId, number>>,
  b: Readonly<Record<HolderId, number>>,
): Readonly<Record<HolderId, number>> {
  if (b === none || a === b) return a;
  const merged: Record<HolderId, number> = { ...a };
  for (const [holder, count] of Object.entries(b)) merged[holder] = Math.max(merged[holder] ?? 0, count);
  return merged;
}
