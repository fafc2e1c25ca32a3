/** Reads sources of bookings when their time has come, each by one of several replicas. */
import { randomInt } from "node:crypto";
import type { Millis } from "../gateway/domain/instant.ts";
import { askAbout, askWhole, type Outcome } from "./ask-source.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { isStale } from "./domain/stay-alarms.ts";
import { keepHooks } from "./keep-hooks.ts";
import { sentBookings } from "./receive-hook.ts";
import { type BookingSource, SourceError } from "./sources/booking-source.ts";
import { openKind } from "./sources/source-kinds.ts";
import { endCauses, raiseAlarm } from "./stay-alarms.ts";
import {
  hasSentWord,
  letGo,
  nextReadAt,
  type SourceRow,
  sourceKey,
  takeDue,
  takeNow,
} from "./store/booking-sources.ts";
import { type HookMessageRow, listPending, settleHookMessages } from "./store/hook-messages.ts";
import { readSite } from "./store/sites.ts";
import { withinDeadline } from "./within-deadline.ts";

const readWithinMs: Millis = 5 * 60_000;
const leaseMs: Millis = 2 * readWithinMs;
const minuteMs: Millis = 60_000;
/** A source that could not be read is asked again sooner. */
const againMs: Millis = 10 * minuteMs;
/** What was sent word of, in one reading; the rest waits for the next. */
const wordsMax = 50;

/** Reads the one that has been due for longest; false: none is. */
export async function readDueSource(parts: CloudParts): Promise<boolean> {
  const { store, clock } = parts;
  const row = await store.transaction((tx) => takeDue(tx, clock.wall(), leaseMs));
  if (!row) return false;
  await readTaken(parts, row);
  return true;
}

/** Now, rather than when its turn comes. false: somebody is reading it. */
export async function readSourceNow(parts: CloudParts, row: SourceRow): Promise<boolean> {
  const { store, clock } = parts;
  const taken = await store.transaction((tx) => takeNow(tx, row, clock.wall(), leaseMs));
  if (taken) await readTaken(parts, taken, true);
  return taken !== undefined;
}

/** How long until the next is due; undefined: there is none. */
export async function untilNextReading({ store, clock }: CloudParts): Promise<Millis | undefined> {
  const next = await nextReadAt(store.db);
  return next === undefined ? undefined : Math.max(0, next - clock.wall());
}

/** Rejects with a SourceError when its key cannot be read. */
export async function openSource(parts: CloudParts, row: SourceRow): Promise<BookingSource> {
  const { store, siteKeys } = parts;
  const key = sourceKey(row, await siteKeys.seal(store.db, row.siteId));
  if (!key) throw new SourceError("its key cannot be read here any more: give it again", { retry: false });
  const zone = (await readSite(store.db, row.siteId))?.zone ?? "UTC";
  return openKind(parts, row.kind, {
    key,
    zone,
    options: JSON.parse(row.options),
    sent: () => sentBookings(parts, row),
  });
}

async function readTaken(parts: CloudParts, row: SourceRow, isAsked = false): Promise<void> {
  const { store, clock, logger } = parts;
  const facts = { site: row.siteId, source: row.id };
  const words = await listPending(store.db, row, wordsMax);
  const isWhole = isAsked || words.length === 0 || row.wholeAt === null || row.wholeAt <= clock.wall();
  const { result, ...next } = await read(parts, row, isWhole ? undefined : words);
  const now = clock.wall();
  const isGood = !("failed" in result);
  const pauseMs = isGood ? row.everyMinutes * minuteMs : Math.min(againMs, row.everyMinutes * minuteMs);
  // Not all at the same minute of the hour.
  const laterAt = now + pauseMs + randomInt(Math.ceil(pauseMs / 10));
  const wholeAt = isWhole ? laterAt : row.wholeAt;
  const nextAt = isGood ? (wholeAt ?? laterAt) : laterAt;
  const told = { ranAt: now, result: JSON.stringify(result), wholeAt, ...next, ...(isGood && { goodAt: now }) };
  await store.transaction(async (tx) => {
    await letGo(tx, row, nextAt, told);
    if (isGood) {
      await settleHookMessages(
        tx,
        row,
        words.map(({ serial }) => serial),
      );
      // What has come meanwhile.
      if ((await listPending(tx, row, 1)).length > 0) await hasSentWord(tx, row, now);
    }
    const [site, source] = [row.siteId, row.id];
    if (isGood) await endCauses(tx, { site, source, kinds: ["source-stale"] }, now);
    else if (isStale(row.goodAt ?? row.createdAt, row.everyMinutes, now))
      await raiseAlarm(tx, { site, source, kind: "source-stale", detail: { goodAt: row.goodAt } }, now);
  });
  if (isGood) logger.info("booking-source-read", { ...facts, ...result, unknownPlaces: result.unknownPlaces.length });
}

/** `words` undefined: all of it. Always resolves. */
async function read(parts: CloudParts, row: SourceRow, words: readonly HookMessageRow[] | undefined): Promise<Outcome> {
  const { logger, stopping } = parts;
  try {
    return await withinDeadline(parts, readWithinMs, async (signal) => {
      const source = await openSource(parts, row);
      if (words && source.readOne) return askAbout(parts, row, source.readOne, words, signal);
      const outcome = await askWhole(parts, row, source, signal);
      await keepHooks(parts, row, source, signal);
      return outcome;
    });
  } catch (error) {
    const isKnown = error instanceof SourceError;
    const why = isKnown ? { why: error.message } : { error: error as Error };
    if (!stopping.aborted)
      logger[isKnown ? "warn" : "error"]("booking-source-failed", { site: row.siteId, source: row.id, ...why });
    return { result: { failed: isKnown ? error.message : "it could not be read in time" } };
  }
}
