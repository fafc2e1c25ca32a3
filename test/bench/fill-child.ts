/** Fills a data folder with so many grants and then so many events; prints a line when all is on the disk, and ends when told `stop`. */
import { createInterface } from "node:readline";
import { aBenchSite, openBenchSite } from "./bench-site.ts";

const [folder, grants, events] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const doorsEach = 4;
const eventsPerCommit = 500;

const site = grants > 0 ? await aBenchSite(folder, grants, doorsEach) : await openBenchSite(folder);
if (grants > 0) await site.cache.snapshot();
const { journal } = site.parts;
for (let event = 1; event <= events; event += 1) {
  const { durable } = journal.recordEvent({
    type: "door",
    device: `door-${event % 64}`,
    state: event % 2 ? "open" : "closed",
  });
  if (event % eventsPerCommit === 0) await durable;
}
await journal.flushed();
console.log(JSON.stringify({ filled: true }));
for await (const told of createInterface({ input: process.stdin })) {
  if (told !== "stop") continue;
  await site.stop();
  console.log(JSON.stringify({ stopped: true }));
  process.exit(0);
}
