/** A process that writes to a journal under load and prints each event's text once it is acknowledged; killed by a test. Node writes to a pipe before it goes on. */
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { aDenial, aGrantRow, anAdmission, aPage, aStore } from "./site-store.ts";

const folder = process.argv[2]!;
const { journal, cache } = await aStore(nodeDisk, folder, {
  clock: systemClock,
  processes: undefined,
  nextTurn: undefined,
});
await journal.record({ kind: "page", page: aPage([aGrantRow("one", 1_000_000)]), at: 5 }).durable;
process.stdout.write("ready\n");
await Promise.all([1, 2, 3, 4].map(write));

async function write(caller: number): Promise<void> {
  for (let i = 0; ; i += 1) {
    const { event, durable } = journal.recordEvent(caller % 2 ? aDenial : anAdmission("one", 1));
    await durable;
    process.stdout.write(`${JSON.stringify(event)}\n`);
    if (caller === 1 && i % 100 === 99) await cache.snapshot();
  }
}
