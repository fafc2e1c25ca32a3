/** What reaches the disk, the file system's own share included. */
import { readFile, stat } from "node:fs/promises";

/** Bytes for each piece of work that `work` says it has done; the least of some rounds, because others write to that disk too. */
export async function bytesEach(folder: string, work: () => Promise<number>): Promise<number> {
  const found: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const before = await writtenTo(folder);
    const done = await work();
    found.push(((await writtenTo(folder)) - before) / done);
  }
  return Math.min(...found);
}

/**
 * Bytes written so far to the disk that holds the folder. Where the kernel does not count for it (an overlay): by this process, which
 * is far too much where the kernel keeps files in memory in pieces larger than a page.
 */
async function writtenTo(folder: string): Promise<number> {
  const { dev } = await stat(folder);
  const disk = `${dev >> 8} ${dev & 255}`;
  const counts = (await readFile("/proc/diskstats", "utf8")).split("\n").map((line) => line.trim().split(/\s+/));
  const found = counts.find(([major, minor]) => `${major} ${minor}` === disk);
  if (found) return Number(found[9]) * 512;
  return Number(/^write_bytes: (\d+)$/m.exec(await readFile("/proc/self/io", "utf8"))?.[1]);
}
