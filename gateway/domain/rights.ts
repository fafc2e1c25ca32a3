/**
 * Rights of one limited grant at one gateway: a bounded counter in which every register only grows, so that lost, repeated
 * and reordered messages are harmless (merge is max). Escrow after O'Neil (1986) and Balegas et al. (2015).
 */
import type { GatewayId } from "./grant.ts";

export interface Rights {
  /** Entries the cloud has placed here, in all. */
  readonly granted: number;
  /** Entries handed back to the cloud, in all. */
  readonly returned: number;
  /** Admissions written down here, in all. */
  readonly used: number;
  /** Those of them whose strike certainly never moved, in all: their right came back. */
  readonly voided: number;
  /** Entries sent to and received from another gateway, in all. */
  readonly sent: Readonly<Record<GatewayId, number>>;
  readonly received: Readonly<Record<GatewayId, number>>;
}

export const noRights: Rights = { granted: 0, returned: 0, used: 0, voided: 0, sent: {}, received: {} };

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
  };
}

function total(each: Readonly<Record<GatewayId, number>>): number {
  let sum = 0;
  for (const gateway in each) sum += each[gateway] ?? 0;
  return sum;
}

function mergeEach(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> {
  const merged: Record<string, number> = { ...a };
  for (const [gateway, count] of Object.entries(b)) merged[gateway] = Math.max(merged[gateway] ?? 0, count);
  return merged;
}
