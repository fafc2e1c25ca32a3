/** Another gateway asks for an entry of a grant: it gets one that is held here, once that is written down. */
import type { Millis } from "../domain/instant.ts";
import { held } from "../domain/rights.ts";
import { GatewayError } from "../errors.ts";
import type { EntryReply, EntryRequest } from "../ports/peer-link.ts";
import type { SiteParts } from "./site-parts.ts";

/** An entry that came from a neighbour stays so long, or two busy doors pass it to and fro. */
export const entryKeptMs: Millis = 30_000;

/** Who asks is known to be `request.to`. A total above what it has is repeated: its answer was lost. Rejects when the disk failed. */
export async function giveEntry(site: SiteParts, { grant, to, have }: EntryRequest): Promise<EntryReply> {
  const sent = () => site.records.registers(grant).sent[to] ?? 0;
  if (sent() <= have && canSpare(site, grant)) {
    try {
      site.journal.recordEvent({ type: "rights-sent", grant, to, total: sent() + 1 });
      site.logger.info("entry-given", { grant, to });
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "storage-full") throw error;
    }
  }
  const reply = { from: site.holder, total: sent() };
  await site.journal.flushed();
  return reply;
}

function canSpare(site: SiteParts, grant: string): boolean {
  const receivedAt = site.receivedAt.get(grant);
  const rests = receivedAt !== undefined && site.clock.monotonic() - receivedAt < entryKeptMs;
  if (!rests) site.receivedAt.delete(grant);
  return !rests && !site.stopping.aborted && held(site.records.registers(grant)) >= 1;
}
