/**
 * When a gateway has begun a new epoch, the journal of the one before is put aside as it is, under `damaged/epoch-N/`, where a person may
 * look at it with `postern journal show`; the new one begins empty. One is kept.
 */
import { dirname, join } from "node:path";
import type { Disk } from "../ports/disk.ts";
import { isUnreadable, listIfThere } from "./atomic-file.ts";
import { headerOf, journalFolder, readLines, segmentFile, segmentNumbers } from "./journal-segment.ts";
import { snapshotFile, snapshotFolder, snapshotNumbers } from "./json-grant-cache.ts";
import { readSnapshotHeader } from "./snapshot-file.ts";

interface Owner {
  readonly gateway: string;
  readonly epoch: number;
}

const headerBytesMax = 4096;
const asideFolder = /^epoch-(\d+)$/;

/**
 * Answers the epoch whose journal was put aside, at this start or an earlier one; undefined: none. A start that was interrupted on the way
 * goes on where it was.
 */
export async function putEarlierEpochAside(
  disk: Disk,
  folder: string,
  { gateway, epoch }: Owner,
): Promise<number | undefined> {
  const owners = new Map<string, Owner | undefined>();
  for (const number of await segmentNumbers(disk, folder))
    owners.set(segmentFile(number), await segmentOwner(disk, folder, number));
  for (const number of await snapshotNumbers(disk, folder))
    owners.set(snapshotFile(number), readSnapshotHeader(await beginningOf(disk, join(folder, snapshotFile(number)))));
  // A segment's header has a checksum of its own; a snapshot's is asked only where there is none.
  const ofSegments = [...owners].filter(([file, owner]) => owner && file.startsWith(journalFolder));
  const known = (ofSegments.length > 0 ? ofSegments : [...owners]).flatMap(([, owner]) => owner ?? []);
  const hasEnded = known.length > 0 && known.every((owner) => owner.gateway === gateway && owner.epoch < epoch);
  if (hasEnded) {
    const ended = Math.max(...known.map((owner) => owner.epoch));
    await removeOthers(disk, folder, ended);
    // Those that say whose they are go last: as long as one is left, the rest is known to belong to it.
    const weight = (file: string) => (owners.get(file) ? 1 : 0) + (file.startsWith(journalFolder) ? 1 : 0);
    const files = [...owners.keys()].toSorted((a, b) => weight(a) - weight(b));
    for (const file of files) await move(disk, join(folder, file), join(folder, "damaged", `epoch-${ended}`, file));
    for (const each of [journalFolder, snapshotFolder])
      if ((await listIfThere(disk, folder)).includes(each)) await disk.syncFolder(join(folder, each));
  }
  return (await epochsAside(disk, folder)).filter((one) => one < epoch).at(-1);
}

async function move(disk: Disk, from: string, to: string): Promise<void> {
  await disk.makeFolder(dirname(to));
  await disk.rename(from, to);
  await disk.syncFolder(dirname(to));
}

async function segmentOwner(disk: Disk, folder: string, number: number): Promise<Owner | undefined> {
  const file = segmentFile(number);
  const [line] = readLines(file, await beginningOf(disk, join(folder, file)));
  return headerOf(line?.parsed);
}

async function beginningOf(disk: Disk, path: string): Promise<Uint8Array> {
  try {
    return await disk.read(path, headerBytesMax);
  } catch (error) {
    if (isUnreadable(error)) return new Uint8Array();
    throw error;
  }
}

async function epochsAside(disk: Disk, folder: string): Promise<number[]> {
  const names = await listIfThere(disk, join(folder, "damaged"));
  return names
    .flatMap((name) => asideFolder.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function removeOthers(disk: Disk, folder: string, kept: number): Promise<void> {
  for (const epoch of await epochsAside(disk, folder)) {
    if (epoch === kept) continue;
    for (const each of [journalFolder, snapshotFolder]) {
      const inside = join(folder, "damaged", `epoch-${epoch}`, each);
      for (const name of await listIfThere(disk, inside)) await disk.remove(join(inside, name));
    }
  }
}
