/** A parent whose child hangs in a loop, or works; prints the child's process id, and waits to be killed. */
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { SupervisedChild } from "../../gateway/drivers/common/supervised-child.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";

const child = new SupervisedChild({
  module: new URL("unruly-child.ts", import.meta.url),
  begin: async () => ({ token: "any", first: "work" }),
  answer: z.strictObject({ heard: z.string() }),
  news: z.unknown(),
  onNews: () => undefined,
  secrets: () => [],
  clock: systemClock,
  logger: silentLogger,
  limits: { hangMs: 1_000_000 },
});
child.start();
const options = { deadlineMs: 100_000, signal: new AbortController().signal };
for (;;) {
  const answer = await child.ask({ do: "tell-pid" }, options);
  if (answer.kind === "answered") {
    if (process.argv[2] === "hang") void child.ask({ do: "hang" }, options);
    process.stdout.write(`${answer.answer.heard}\n`);
    break;
  }
  await pause(50);
}
