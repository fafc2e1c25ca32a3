/** Fetches a backup of a running cloud-sync into a file. */
import { type BackupSummary, saveBackup } from "../cloud-sync/store/backup-file.ts";
import { type AdminTarget, askAsAdmin } from "./cloud-admin.ts";

const deadlineMs = 30 * 60_000;

/** Rejects, with nothing changed at `path`, unless a whole backup has arrived. */
export async function fetchBackup(target: AdminTarget, path: string): Promise<BackupSummary> {
  const response = await askAsAdmin(target, "GET", "/api/backup", deadlineMs);
  return saveBackup(path, async (write) => {
    for await (const piece of response.body ?? []) await write(piece);
  });
}
