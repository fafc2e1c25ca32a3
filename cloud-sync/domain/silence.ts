/** When a gateway counts as silent: it polls again within 25 s of any answer, so a minute without a request is a cut line. */
import type { Instant } from "../../gateway/domain/instant.ts";

const silentAfterMs = 60_000;

/** Since when nothing was heard of it; null: it is heard of, or was never enrolled. */
export function silentSince(
  gateway: { readonly seenAt: Instant | null; readonly enrolledAt: Instant | null },
  now: Instant,
): Instant | null {
  const last = gateway.seenAt ?? gateway.enrolledAt;
  return last !== null && now - last > silentAfterMs ? last : null;
}
