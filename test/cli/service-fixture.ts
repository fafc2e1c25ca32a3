/** A service for process.test.ts; argument: how it behaves, then the ready file. */
import { setTimeout as sleep } from "node:timers/promises";
import { runService } from "../../cli/process.ts";
import { pinoLogger } from "../../gateway/pino-logger.ts";

const [behaviour, readyFile] = process.argv.slice(2);
const logger = pinoLogger("debug");
let reloads = 0;

process.exitCode = await runService({
  logger,
  readyFile,
  ...(behaviour === "stops-slowly" && { stopDeadlineMs: 300 }),
  async start({ stopping, fail }) {
    logger.info("starting");
    if (behaviour === "never-starts") await sleep(60_000, undefined, { signal: stopping });
    if (behaviour === "fails") setImmediate(() => fail(new Error("the disk failed")));
    if (behaviour === "has-a-bug") {
      setImmediate(() => {
        throw new Error("a bug");
      });
    }
    if (behaviour === "rejects-unseen") void Promise.reject(new Error("a bug"));
    return {
      async stop() {
        logger.info("stopping");
        if (behaviour === "stops-slowly") await sleep(60_000);
      },
      ...(behaviour !== "cannot-reload" && {
        async reload() {
          reloads += 1;
          if (reloads === 2) throw new Error("the new configuration is wrong");
        },
      }),
    };
  },
  ready: () => ({ url: "http://127.0.0.1:1", token: "for-scripts" }),
});
process.exit();
