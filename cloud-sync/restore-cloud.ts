/** Puts a backup in the place of everything a stopped service has stored. */
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import { loggerWithoutValues, withoutValues } from "./query-values.ts";
import { restoreBackup } from "./store/backup.ts";
import { BackupError } from "./store/backup-error.ts";
import { type BackupSummary, checkBackup } from "./store/backup-file.ts";
import { openStore } from "./store/open-store.ts";
import { makeCopy } from "./store/pglite-copies.ts";
import { knownMasterKey, SiteKeys } from "./store/site-keys.ts";
import { listSites } from "./store/sites.ts";

export interface RestoreOrder {
  readonly file: string;
  readonly dataFolder: string;
  /** postgres://…; unset: PGlite in the data folder. */
  readonly databaseUrl?: string | undefined;
  /** Unset: POSTERN_MASTER_KEY, else the one in the data folder. */
  readonly masterKey?: SecretString | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Restored extends BackupSummary {
  /** Ids; each has begun a new history. */
  readonly sites: readonly string[];
}

/**
 * Rejects, with nothing changed, with a BackupError for a file that is not to be believed or was made under another master key, and
 * with a CloudStartError while the service runs.
 */
export async function restoreCloud(order: RestoreOrder): Promise<Restored> {
  try {
    return await restore({ ...order, logger: loggerWithoutValues(order.logger) });
  } catch (error) {
    throw withoutValues(error as Error);
  }
}

async function restore({ file, dataFolder, databaseUrl, ...order }: RestoreOrder): Promise<Restored> {
  await checkBackup(file);
  const { clock, logger } = order;
  const store = await openStore({ databaseUrl, dataFolder, clock, logger, alone: true });
  try {
    const masterKey = order.masterKey ?? (await knownMasterKey(dataFolder));
    const summary = await restoreBackup(store, file, clock.wall(), async (restored) => {
      const [any] = await listSites(restored);
      if (any && !masterKey)
        throw new BackupError(
          `there is no master key: set POSTERN_MASTER_KEY to that of the backup, or put its file master-key into ${dataFolder}`,
        );
      if (masterKey) await new SiteKeys(masterKey).check(restored);
    });
    // Or a broken store would come back to what it was before the restore.
    if (databaseUrl === undefined) await makeCopy(store, dataFolder, { madeAt: clock.wall(), by: summary.header.by });
    return { ...summary, sites: (await listSites(store.db)).map(({ id }) => id) };
  } finally {
    await store.close();
  }
}
