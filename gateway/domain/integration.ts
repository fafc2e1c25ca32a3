/** An account at a maker's service whose keys the cloud was given for one gateway. Pure. */
import type { GatewayId } from "./grant.ts";

export interface Integration {
  /** As integrationId() makes it. */
  readonly id: string;
  readonly gateway: GatewayId;
  /** The driver whose devices use it. */
  readonly provider: string;
  /** False: nobody gets a new credential at its doors; those that stand there are looked after, and taken back when they end. */
  readonly enabled: boolean;
  /** The account's secrets, for that gateway alone: wire/gateway-secret.ts. */
  readonly sealed: string;
}

/** A gateway has one of each provider. */
export function integrationId(gateway: GatewayId, provider: string): string {
  return `${gateway}:${provider}`;
}
