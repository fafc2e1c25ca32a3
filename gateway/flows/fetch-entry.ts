/** Somebody is at the door with a grant whose entries lie at another gateway: asks the neighbours for one over the LAN. */
import type { GatewayId, Grant, GrantId } from "../domain/grant.ts";
import type { Millis } from "../domain/instant.ts";
import { holderId } from "../domain/rights.ts";
import type { EntryReply, EntryRequest } from "../ports/peer-link.ts";
import { entryKeptMs } from "./give-entry.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** The person at the door waits meanwhile. */
export const answerWithinMs: Millis = 400;
const askedMax = 4;

/** Resolves when one has come and is on the disk, or none will. The most likely holders are asked, one after the other. */
export async function fetchEntry(site: SiteParts, grant: Grant): Promise<void> {
  const reachable = site.records.holdersOf(grant).filter((id) => site.records.peer(id)?.lan !== undefined);
  for (const gateway of reachable.slice(0, askedMax)) {
    const from = holderId(gateway, site.records.peer(gateway)?.epoch ?? 0);
    const have = site.records.registers(grant.id).received[from] ?? 0;
    const reply = await ask(site, gateway, { grant: grant.id, to: site.holder, have });
    // In another name than the one the feed lists for it, nobody gives.
    if (reply?.from !== from || reply.total <= (site.records.registers(grant.id).received[from] ?? 0)) continue;
    noteReceived(site, grant.id);
    await note(site, { type: "rights-received", grant: grant.id, from, total: reply.total });
    site.logger.info("entry-received", { grant: grant.id, from: gateway });
    return;
  }
}

/** Those that may go on again are forgotten. */
function noteReceived({ receivedAt, clock }: SiteParts, grant: GrantId): void {
  const now = clock.monotonic();
  for (const [other, at] of receivedAt) if (now - at >= entryKeptMs) receivedAt.delete(other);
  receivedAt.set(grant, now);
}

async function ask(site: SiteParts, gateway: GatewayId, request: EntryRequest): Promise<EntryReply | undefined> {
  const deadline = new AbortController();
  const answered = new AbortController();
  site.clock.sleep(answerWithinMs, answered.signal).then(
    () => deadline.abort(new Error(`no answer within ${answerWithinMs} ms`)),
    () => undefined,
  );
  try {
    return await site.peers.ask(gateway, request, AbortSignal.any([site.stopping, deadline.signal]));
  } catch (error) {
    site.logger.warn("peer-silent", { peer: gateway, error: error as Error });
    return undefined;
  } finally {
    answered.abort();
  }
}
