/** What the system says of another process's memory; for one that does not speak. */
import { readFile } from "node:fs/promises";

/** Resident bytes; undefined where the system does not tell, as outside of Linux. */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(text) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
