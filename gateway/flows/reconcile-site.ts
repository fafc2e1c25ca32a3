/** What a poll brought becomes part of the records: pages first and durably, then the comparison of the whole, then commands. */
import { fixFromServer } from "../domain/clock-interval.ts";
import { type Cursor, noCursor } from "../domain/feed.ts";
import type { Monotonic } from "../domain/instant.ts";
import type { TimeSetter } from "../ports/clock.ts";
import type { PollReply } from "../ports/cloud-link.ts";
import { remoteUnlock } from "./remote-unlock.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** What the loop should ask next: the cursor is the acknowledgement, so it is only ever one that is on the disk. */
export interface Reconciled {
  readonly cursor: Cursor;
  /** False: the set is not whole yet, poll again at once. */
  readonly complete: boolean;
}

/** Takes in the reply to a poll that was asked at `askedAt` and answered at `answeredAt`. Rejects when it could not be written down. */
export async function reconcileSite(
  site: SiteParts,
  time: TimeSetter,
  reply: PollReply,
  askedAt: Monotonic,
  answeredAt: Monotonic,
): Promise<Reconciled> {
  time.believe(fixFromServer(reply.serverTime, answeredAt - askedAt - reply.heldMs, answeredAt));
  for (const command of reply.commands) {
    remoteUnlock(site, { command, askedAt, heldMs: reply.heldMs }).catch((error: Error) =>
      site.logger.error("command-failed", { command: command.id, error }),
    );
  }

  const { page } = reply;
  const isNew =
    page.reset ||
    page.rows.length > 0 ||
    page.feed !== site.records.cursor.feed ||
    page.to !== site.records.cursor.version;
  if (isNew) {
    await site.journal.record({ kind: "page", page, at: time.interval().earliest }).durable;
    site.logger.info("page-applied", { feed: page.feed, to: page.to, rows: page.rows.length, complete: page.complete });
  }
  if (!page.complete) return { cursor: site.records.cursor, complete: false };

  const { checksum } = reply;
  const mine = site.records.checksum;
  if (checksum && (checksum.rows !== mine.rows || checksum.sum !== mine.sum)) {
    void note(site, { type: "checksum-mismatch", feed: page.feed, revision: page.to });
    site.logger.error("checksum-mismatch", {
      feed: page.feed,
      revision: page.to,
      rows: mine.rows,
      expected: checksum.rows,
    });
    return { cursor: noCursor, complete: false };
  }
  time.noteSync(askedAt);
  return { cursor: site.records.cursor, complete: true };
}
