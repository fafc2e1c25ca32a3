/**
 * Damage that lost records is noted beside the journal before that is mended, because mending takes the evidence away: a start that
 * dies between the two would leave a gateway that believes to have everything.
 */
import { join } from "node:path";
import { z } from "zod";
import type { Disk } from "../ports/disk.ts";
import type { Logger } from "../ports/logger.ts";
import { isAbsent, isFull, removeIfThere, writeFileAtomically } from "./atomic-file.ts";
import type { JournalDamage } from "./journal-recovery.ts";

const damageFile = "damage-found.json";

const noteSchema = z.object({
  epoch: z.number(),
  damage: z.array(z.object({ file: z.string(), line: z.number(), lines: z.number() })),
});
type Noted = z.infer<typeof noteSchema>["damage"][number];

interface Place {
  readonly disk: Disk;
  readonly folder: string;
  readonly epoch: number;
  readonly logger: Logger;
}

/** All damage of this epoch that no event tells yet: what was found now, and by starts before this one. */
export async function noteDamage(place: Place, found: readonly JournalDamage[]): Promise<Noted[]> {
  const { disk, folder, epoch, logger } = place;
  const path = join(folder, damageFile);
  const before = await readNote(place, path);
  const added = found
    .filter(({ lines }) => lines > 0)
    .map(({ file, line, lines }) => ({ file, line, lines }))
    .filter((one) => !before.some((known) => known.file === one.file && known.line === one.line));
  const all = [...before, ...added];
  if (added.length === 0) return all;
  try {
    await writeFileAtomically(disk, path, [Buffer.from(JSON.stringify({ epoch, damage: all }))]);
  } catch (error) {
    if (!isFull(error)) throw error;
    logger.error("damage-not-noted", { error: error as Error });
  }
  return all;
}

/** Events tell it now. Left behind it would be told once more, which does no harm. */
export async function forgetDamage({ disk, folder, logger }: Place): Promise<void> {
  await removeIfThere(disk, join(folder, damageFile)).catch((error: Error) =>
    logger.warn("damage-note-left", { error }),
  );
}

/** One that cannot be read says as much as one that can: records were lost. */
async function readNote({ disk, epoch }: Place, path: string): Promise<Noted[]> {
  try {
    const note = noteSchema.parse(JSON.parse(Buffer.from(await disk.read(path)).toString("utf8")));
    return note.epoch === epoch ? note.damage : [];
  } catch (error) {
    return isAbsent(error) ? [] : [{ file: damageFile, line: 0, lines: 1 }];
  }
}
