/** Opens a data folder: lock, newest snapshot, the journal after it, and the end of what an earlier boot left unfinished. */
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { AccessPointId } from "../domain/access-point.ts";
import type { ClockTrust } from "../domain/clock-interval.ts";
import type { Unfinished } from "../domain/door-work.ts";
import type { EventBody } from "../domain/entry-event.ts";
import type { Instant } from "../domain/instant.ts";
import { SiteRecords } from "../domain/site-records.ts";
import type { Clock } from "../ports/clock.ts";
import type { Disk } from "../ports/disk.ts";
import type { GrantCache } from "../ports/grant-cache.ts";
import type { Journal } from "../ports/journal.ts";
import type { Logger } from "../ports/logger.ts";
import { isFull } from "./atomic-file.ts";
import { forgetDamage, noteDamage } from "./damage-note.ts";
import { type DataFolderLock, lockDataFolder, type ProcessTable } from "./data-folder.ts";
import { putEarlierEpochAside } from "./earlier-epoch.ts";
import { FileJournal, type JournalLimits, journalLimits } from "./file-journal.ts";
import { type JournalDamage, recoverJournal } from "./journal-recovery.ts";
import { journalFolder, removeDrafts } from "./journal-segment.ts";
import { JsonGrantCache, loadCache, snapshotFolder } from "./json-grant-cache.ts";

export interface SiteStoreOptions {
  readonly folder: string;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gateway: string;
  readonly epoch: number;
  /** Those this gateway serves. */
  readonly accessPoints: readonly AccessPointId[];
  /** Of the program, for the boot event. */
  readonly version: string;
  /** What goes on records as their time: the earliest it can be, in whole milliseconds. */
  readonly time: () => { readonly at: Instant; readonly trust: ClockTrust };
  /** Called once the records are what they were, before anything is recorded: from then on `time` may ask them. */
  readonly loaded?: (records: SiteRecords) => void;
  /** A write or sync failed: nothing is taken in any more, and the process should end. */
  readonly onFailed: (error: Error) => void;
  /** One turn of the event loop. */
  readonly nextTurn?: (() => Promise<void>) | undefined;
  readonly limits?: Partial<StoreLimits>;
  readonly processes?: ProcessTable | undefined;
}

export interface StoreLimits extends JournalLimits {
  /** Journal bytes after which a snapshot is due. */
  readonly snapshotAfterBytes: number;
}

const snapshotAfterBytes = 8 * 1024 * 1024;

export interface SiteStore {
  readonly journal: Journal;
  readonly cache: GrantCache;
  readonly recovered: {
    /** Torn tail removed; it had never been acknowledged. */
    readonly cutBytes: number;
    readonly damage: readonly JournalDamage[];
    /** Number of this boot, from 1. */
    readonly boot: number;
  };
  /** By damage, or because a new epoch began. */
  readonly recordsWereLost: boolean;
  readonly dueForSnapshot: boolean;
  /** Snapshot, end of the journal, lock given back. After a failed disk only the lock is given back. */
  close(): Promise<void>;
}

/**
 * Rejects with `data-locked` while another process owns the folder, with `data-taken` when it is another gateway's. On a full
 * disk it resolves with a journal that takes nothing in until there is room, and then the start before anything else.
 */
export async function openSiteStore(options: SiteStoreOptions): Promise<SiteStore> {
  const lock = await lockDataFolder(options.disk, options.folder, options.processes);
  try {
    return await openLocked(options, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openLocked(options: SiteStoreOptions, lock: DataFolderLock): Promise<SiteStore> {
  const { folder, disk, clock, gateway, accessPoints, version, logger } = options;
  const nextTurn = options.nextTurn ?? setImmediate;
  const limits: StoreLimits = { ...journalLimits, snapshotAfterBytes, ...options.limits };
  const endedEpoch = await putEarlierEpochAside(disk, folder, options);
  await removeDrafts(disk, join(folder, journalFolder));
  await removeDrafts(disk, join(folder, snapshotFolder));

  const emptyRecords = () => new SiteRecords(gateway, accessPoints);
  const { low, adapter } = await loadCache({ ...options, nextTurn, emptyRecords });
  const { records } = low.data;
  const now = clock.monotonic();
  const found = await recoverJournal({
    ...options,
    nextTurn,
    from: low.data.position,
    // No event carries boot 0, so all of them count as an earlier boot's.
    apply: (record) => records.apply(record, now, 0),
  });
  options.loaded?.(records);
  const noted = await noteDamage(options, found.damage);

  const boot = records.boot + 1;
  const journal = await FileJournal.open({ ...options, nextTurn, limits, records, boot }, found);
  const cache = new JsonGrantCache(low, adapter, journal);
  try {
    for (const { file, line, lines, what } of found.damage)
      logger.error("journal-damaged", { file, line, lines, what });
    const begun = journal.begin([
      {
        type: "boot",
        version,
        cutBytes: found.cutBytes,
        ...(boot === 1 && endedEpoch !== undefined && { endedEpoch }),
      },
      ...noted.map((damage): EventBody => ({ type: "damage", ...damage })),
      ...records.unfinished().map(endOf),
    ]);
    if (begun) await journal.flushed();
    if (begun && noted.length > 0) await forgetDamage(options);
    // From here on a start reads the snapshot instead of the damage; without it the damage event says that it was counted.
    if (begun && found.damage.length > 0)
      await cache.snapshot().catch((error: Error) => {
        if (!isFull(error)) throw error;
        logger.error("snapshot-failed", { error });
      });
  } catch (error) {
    await journal.close();
    throw error;
  }

  return {
    journal,
    cache,
    recovered: { cutBytes: found.cutBytes, damage: found.damage, boot },
    recordsWereLost: records.suspect || endedEpoch !== undefined,
    get dueForSnapshot() {
      return cache.bytesSinceSnapshot >= limits.snapshotAfterBytes;
    },
    close: async () => {
      try {
        if (journal.state !== "failed") await cache.snapshot();
      } catch (error) {
        logger.error("snapshot-failed", { error: error as Error }); // the journal holds it all
      } finally {
        await journal.close();
        await lock.release();
      }
    },
  };
}

/** Nobody knows whether the strike of an admission without an outcome moved, so its right stays spent; a press is too old by now. */
function endOf(left: Unfinished): EventBody {
  switch (left.kind) {
    case "admission":
      return { type: "released", of: left.of, accessPoint: left.accessPoint, result: "unknown" };
    case "command": {
      const { kind: _, ...facts } = left;
      return { type: "command-ended", ...facts, result: "unknown" };
    }
    case "staff-command": {
      const { kind: _, ...facts } = left;
      return { type: "staff-command-ended", ...facts, result: "unknown" };
    }
    case "press":
      return {
        type: "unanswered",
        device: left.press.device,
        ...(left.accessPoint !== null && { accessPoint: left.accessPoint }),
        why: "stopped",
        press: left.press,
      };
  }
}
