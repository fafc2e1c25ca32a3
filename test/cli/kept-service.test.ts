/** A service that ends by itself, again and again, against real processes; only the pauses pass when told. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { KeptService } from "../../cli/kept-service.ts";
import { ServiceProcess } from "../../cli/service-process.ts";
import { type LogFields, silentLogger } from "../../gateway/ports/logger.ts";
import { SimClock } from "../support/sim-clock.ts";
import { until } from "../support/until.ts";

/** A cloud-sync whose configuration is first not to be written, then wrong, then right; as many starts each as its parts say. */
async function givenService(t: TestContext, { unwritten, wrong }: { unwritten: number; wrong: number }) {
  const folder = await mkdtemp(join(tmpdir(), "postern-kept-"));
  const clock = new SimClock(0);
  const told: LogFields[] = [];
  let starts = 0;
  const kept = new KeptService({
    name: "cloud-sync",
    service: new ServiceProcess("cloud-sync", {
      logFile: join(folder, "log"),
      readyFile: join(folder, "ready.json"),
      config: async () => {
        starts += 1;
        if (starts <= unwritten) throw new Error("the disk is full");
        const port = starts <= unwritten + wrong ? "none" : 0;
        const file = join(folder, "cloud-sync.yaml");
        await writeFile(file, JSON.stringify({ data: join(folder, "data"), http: { host: "127.0.0.1", port } }));
        return file;
      },
      env: { POSTERN_ADMIN_TOKEN: "of-the-kept-service-and-of-no-other" },
    }),
    readyDeadlineMs: 60_000,
    clock,
    logger: { ...silentLogger, warn: (_event, fields = {}) => void told.push(fields) },
    onChange: () => undefined,
  });
  t.after(async () => {
    await kept.stop();
    await rm(folder, { recursive: true });
  });
  return {
    kept,
    told,
    /** How long it pauses now; moves to the end of the pause. */
    async pause(): Promise<number> {
      await until("it pauses", () => clock.nextAt !== undefined);
      const ms = clock.nextAt! - clock.monotonic();
      clock.step(clock.nextAt!);
      return ms;
    },
  };
}

test("each failed start doubles the pause up to 30 s, and the one that works ends them", async (t) => {
  const { kept, told, pause } = await givenService(t, { unwritten: 6, wrong: 1 });

  await assert.rejects(kept.start(), /the disk is full/);
  const pauses: number[] = [];
  while (pauses.length < 7) pauses.push(await pause());
  await until("it runs", () => kept.running);

  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.deepEqual(
    told.map(({ code, againInMs }) => [code, againInMs]),
    [undefined, undefined, undefined, undefined, undefined, 1].map((code, index) => [code, pauses[index + 1]]),
  );
  assert.equal(told[0]?.why, "the disk is full");
  assert.match(String(told.at(-1)?.why), /^cloud-sync did not start: .*port/s);
});

test("one that is stopped while it pauses stays down, and is started at once when it is wanted again", async (t) => {
  const { kept, told } = await givenService(t, { unwritten: 1, wrong: 0 });
  await assert.rejects(kept.start(), /the disk is full/);
  assert.equal(kept.wanted, true);

  await kept.stop();
  assert.deepEqual([kept.wanted, kept.running], [false, false]);
  await kept.start();

  assert.deepEqual([kept.wanted, kept.running], [true, true]);
  await kept.kill();
  assert.deepEqual([kept.wanted, kept.running, told], [false, false, []]);
});
