/**
 * The gateway or the cloud as a process of a demo. It differs from `postern gateway` and `postern cloud-sync` by its clock alone, which is
 * told through the channel between the two processes: no command of Postern's comes here, so no gateway in use can be told the time so.
 */
import { parseArgs } from "node:util";
import type { Clock } from "../gateway/ports/clock.ts";
import { UsageError } from "./command.ts";
import { DemoClock, timeWord } from "./demo-clock.ts";
import { errorText } from "./print-error.ts";

/** Resolves with the time of whoever started this process, which goes on to tell it. */
function toldClock(): Promise<Clock> {
  if (!process.send) throw new UsageError("only a demo starts this program");
  return new Promise((resolve) => {
    let clock: DemoClock | undefined;
    process.on("message", (message) => {
      const { aheadMs } = timeWord.parse(message);
      clock ??= new DemoClock(aheadMs);
      clock.leapTo(aheadMs);
      resolve(clock);
      process.send?.({ aheadMs: clock.aheadMs }, undefined, undefined, () => undefined);
    });
  });
}

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { config: { type: "string" }, "ready-file": { type: "string" } },
    allowPositionals: true,
  });
  const clock = await toldClock();
  switch (positionals[0]) {
    case "gateway":
      return (await import("./gateway.ts")).runGateway(values, clock);
    case "cloud-sync":
      return (await import("./cloud-sync.ts")).runCloud(values, clock);
    default:
      throw new UsageError("only a demo starts this program");
  }
}

try {
  process.exitCode = await run();
} catch (error) {
  console.error(`postern: ${errorText(error)}`);
  process.exitCode = 1;
}
process.exit();
