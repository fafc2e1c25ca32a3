/** Signals, failures and bugs against a real process. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { until } from "../support/until.ts";

const withoutProc = !existsSync("/proc/self/stat") && "needs /proc";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "postern-process-"));
});
after(() => rm(folder, { recursive: true }));

class Service {
  readonly child: ChildProcess;
  readonly events: string[] = [];
  readonly #waiting = new Map<string, () => void>();

  constructor(behaviour: string, readyFile: string, env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(
      process.execPath,
      ["--import", "tsx", join(import.meta.dirname, "service-fixture.ts"), behaviour, readyFile],
      { stdio: ["ignore", "pipe", "ignore"], env: { ...process.env, ...env } },
    );
    createInterface({ input: this.child.stdout! }).on("line", (line) => {
      const { event } = JSON.parse(line) as { event: string };
      this.events.push(event);
      this.#waiting.get(event)?.();
    });
  }

  async saw(event: string): Promise<void> {
    if (this.events.includes(event)) return;
    await new Promise<void>((resolve) => this.#waiting.set(event, resolve));
  }

  async code(): Promise<number | null> {
    const [code] = await once(this.child, "close");
    return code as number | null;
  }
}

test("SIGTERM stops in order with exit code 0; the ready file is private and stands only while it runs", async () => {
  const readyFile = join(folder, "ready.json");
  await writeFile(readyFile, "left over from a crash", { mode: 0o644 });
  const service = new Service("", readyFile);
  await service.saw("ready");

  assert.deepEqual(JSON.parse(await readFile(readyFile, "utf8")), { url: "http://127.0.0.1:1", token: "for-scripts" });
  assert.equal(statSync(readyFile).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["ready.json"]);
  service.child.kill("SIGTERM");

  assert.equal(await service.code(), 0);
  assert.deepEqual(service.events.slice(-3), ["stop-asked", "stopping", "stopped"]);
  assert.equal(existsSync(readyFile), false);
});

test("SIGHUP reloads; a reload that fails is told and the service goes on", async () => {
  const service = new Service("", join(folder, "reload.json"));
  await service.saw("ready");
  service.child.kill("SIGHUP");
  await service.saw("reloaded");
  service.child.kill("SIGHUP");
  await service.saw("reload-failed");
  service.child.kill("SIGINT");
  assert.equal(await service.code(), 0);
});

test("without anything to reload SIGHUP stops the service", async () => {
  const service = new Service("cannot-reload", join(folder, "hup.json"));
  await service.saw("ready");
  service.child.kill("SIGHUP");
  assert.equal(await service.code(), 0);
});

test("a signal while it starts ends the start", async () => {
  const service = new Service("never-starts", join(folder, "start.json"));
  await service.saw("starting");
  service.child.kill("SIGTERM");
  assert.equal(await service.code(), 0);
});

test("what the service cannot live with stops it in order, with exit code 1", async () => {
  const service = new Service("fails", join(folder, "fails.json"));
  assert.equal(await service.code(), 1);
  assert.ok(service.events.indexOf("service-failed") < service.events.indexOf("stopping"));
  assert.equal(service.events.at(-1), "stopped");
});

for (const behaviour of ["has-a-bug", "rejects-unseen"]) {
  test(`a bug is logged and ends the process at once: ${behaviour}`, async () => {
    const service = new Service(behaviour, join(folder, `${behaviour}.json`));
    assert.equal(await service.code(), 1);
    assert.equal(service.events.at(-1), "uncaught-error");
  });
}

test("one key press may come twice; a stop that does not end is ended", async () => {
  const service = new Service("stops-slowly", join(folder, "slow.json"));
  await service.saw("ready");
  service.child.kill("SIGINT");
  service.child.kill("SIGTERM");
  await service.saw("stopping");
  assert.equal(await service.code(), 1);
  assert.equal(service.events.at(-1), "stop-too-slow");
});

test("a ready file that cannot be written stops the service", async () => {
  const service = new Service("", join(folder, "no-such-folder", "ready.json"));
  assert.equal(await service.code(), 1);
  assert.equal(service.events.at(-1), "stopped");
});

test("what translates the program as it starts is gone once it is ready", { skip: withoutProc }, async () => {
  const readyFile = join(folder, "ready.json");
  const starting = new Service("never-starts", readyFile, { TSX_DISABLE_CACHE: "1" });
  await starting.saw("starting");
  await until("esbuild runs", async () => (await childrenOf(starting.child.pid!)).length > 0);
  const ready = new Service("", readyFile, { TSX_DISABLE_CACHE: "1" });
  await ready.saw("ready");

  await until("esbuild has ended", async () => (await childrenOf(ready.child.pid!)).length === 0);

  for (const { child } of [starting, ready]) child.kill("SIGTERM");
  await Promise.all([starting.code(), ready.code()]);
});

/** Those that run; one that has ended and that nobody waits for any more does not. */
async function childrenOf(parent: number): Promise<string[]> {
  const processes = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  // "PID (NAME) STATE PARENT …"; the name may hold anything.
  const stats = await Promise.all(processes.map((pid) => readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")));
  return stats.filter((stat) => {
    const [state, itsParent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(itsParent) === parent && state !== "Z";
  });
}
