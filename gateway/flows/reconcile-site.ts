/** What a poll brought becomes part of the records: pages first and durably, then the comparison of the whole, then commands. */
import { fixFromServer } from "../domain/clock-interval.ts";
import { type Cursor, type FeedPage, type FeedRow, noCursor } from "../domain/feed.ts";
import type { Monotonic } from "../domain/instant.ts";
import type { TimeSetter } from "../ports/clock.ts";
import type { CloudCommand, PollReply } from "../ports/cloud-link.ts";
import { answerOrders } from "./answer-orders.ts";
import { hearHost } from "./ask-host.ts";
import { enterByCloud } from "./enter-by-cloud.ts";
import { presentLink } from "./present-link.ts";
import { type ArrivedCommand, carryOutCommand } from "./remote-command.ts";
import { note, type SiteParts } from "./site-parts.ts";

/** What the loop should ask next: the cursor is the acknowledgement, so it is only ever one that is on the disk. */
export interface Reconciled {
  readonly cursor: Cursor;
  /** "partial": poll again at once · "mismatch": the set does not add up to the cloud's, so it is asked for anew. */
  readonly set: "complete" | "partial" | "mismatch";
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
  const setBackTo = time.timeToSetBackTo();
  if (setBackTo !== undefined) {
    site.logger.warn("clock-set-back", { from: site.records.highWater, to: setBackTo });
    site.journal.record({ kind: "tick", at: setBackTo, syncedAt: null, borneOut: true, setsBack: true });
  }
  for (const command of reply.commands) {
    const times = { askedAt, answeredAt, heldMs: reply.heldMs };
    const taken = takeCommand(site, command, times);
    taken.catch((error: Error) => site.logger.error("command-failed", { command: command.id, error }));
  }

  const { page } = reply;
  const { cursor } = site.records;
  if (page.reset || page.rows.length > 0 || page.feed !== cursor.feed || page.to !== cursor.version) {
    const at = time.interval().earliest;
    const written = portions(page, cursor).map((portion) => site.journal.record({ kind: "page", page: portion, at }));
    site.news.tell();
    await Promise.all(written.map(({ durable }) => durable));
    // Vouches for the page before the cloud hears that it was taken in: damaged, it must not pass for a write that never ended.
    await site.journal.record({ kind: "tick", at, syncedAt: null }).durable;
    answerOrders(site);
    site.logger.info("page-applied", {
      feed: page.feed,
      to: page.to,
      rows: page.rows.length,
      complete: page.complete,
    });
  }
  if (!page.complete) return { cursor: site.records.cursor, set: "partial" };

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
    return { cursor: noCursor, set: "mismatch" };
  }
  time.noteSync(askedAt);
  site.news.tell();
  return { cursor: site.records.cursor, set: "complete" };
}

function takeCommand(site: SiteParts, command: CloudCommand, times: Omit<ArrivedCommand, "command">): Promise<void> {
  switch (command.action) {
    case "host-answer":
      return hearHost(site, { command, ...times });
    case "enter":
      return enterByCloud(site, { command, ...times });
    case "present":
      return presentLink(site, { command, ...times });
    default:
      return carryOutCommand(site, { command, ...times });
  }
}

/** Rows, and bytes of their JSON, in one journal record, so that a record never outgrows a segment. */
const rowsPerRecord = 500;
const bytesPerRecord = 256 * 1024;

/**
 * A long page as several records. All but the last leave the cursor where it was: after a crash between them the same rows come
 * again, and until the last one no new permission counts.
 */
export function portions(page: FeedPage, before: Cursor): FeedPage[] {
  const cuts = cut(page.rows);
  return cuts.map((rows, index) => {
    const isLast = index === cuts.length - 1;
    return {
      ...page,
      rows,
      reset: page.reset && index === 0,
      complete: page.complete && isLast,
      to: isLast ? page.to : page.feed === before.feed && !page.reset ? before.version : 0,
    };
  });
}

/** At least one, be it empty. A row above the bound is alone; the wire bounds the row. */
function cut(rows: readonly FeedRow[]): FeedRow[][] {
  const cuts: FeedRow[][] = [[]];
  let bytes = 0;
  for (const row of rows) {
    const size = Buffer.byteLength(JSON.stringify(row));
    const last = cuts.at(-1)!;
    if (last.length > 0 && (last.length >= rowsPerRecord || bytes + size > bytesPerRecord)) {
      cuts.push([row]);
      bytes = size;
    } else {
      last.push(row);
      bytes += size;
    }
  }
  return cuts;
}
