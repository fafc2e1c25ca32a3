/** A driver that hangs, throws, floods or leaks: how long the doors of the others wait, beside the same doors without it, in turns. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { SupervisedChild } from "../../gateway/drivers/common/supervised-child.ts";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import type { CodeStore, Device, ReportListener } from "../../gateway/ports/device.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { aBenchSite, anObedientLock } from "./bench-site.ts";
import { type Benchmark, percentile, type Row, rowBeside } from "./row.ts";

const rounds = 3;
const admissions = 300;
/** People at sixteen doors now and then, not a queue. */
const everyMs = 5;
const never = new Promise<never>(() => undefined);

interface Unruly {
  readonly device: Device;
  /** Does its worst until the signal fires. */
  run(signal: AbortSignal): void;
}

export const benchmark: Benchmark = {
  name: "unruly-driver",
  async run() {
    const rows: Row[] = [];
    for (const [what, make] of Object.entries({ hangs, throws, floods, leaks })) {
      const [alone, beside]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round += 1) {
        alone.push(await p99(undefined));
        beside.push(await p99(make()));
      }
      const [worst, peer] = [Math.max(...beside), Math.max(...alone)];
      const name = `admission beside a driver that ${what}, p99`;
      rows.push(rowBeside(name, worst, "ms", "without it", peer, "≤ 10 ms", () => worst <= 10));
    }
    return rows;
  },
};

/** Of an admission from the presented credential to the release at another driver's door, in milliseconds. */
async function p99(unruly: Unruly | undefined): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
  const done = new AbortController();
  const site = await aBenchSite(folder, 1_000, 16, unruly ? [unruly.device] : []);
  try {
    unruly?.run(done.signal);
    const took: number[] = [];
    for (let turn = 0; turn < admissions; turn += 1) {
      const began = performance.now();
      const outcome = await presentCredential(site.parts, site.request(turn, turn % 16), undefined);
      if (outcome?.outcome !== "released") throw new Error(`not admitted: ${JSON.stringify(outcome)}`);
      took.push(performance.now() - began);
      await pause(everyMs);
    }
    return percentile(took, 0.99);
  } finally {
    done.abort();
    await site.stop();
    await rm(folder, { recursive: true });
  }
}

const codes: Pick<CodeStore, "constraints"> = {
  constraints: {
    lengths: [6],
    digits: "123456789",
    forbiddenPrefixes: [],
    capacity: 100,
    places: { kind: "given" },
    windows: "range",
  },
};

/** Nothing it is asked ever ends, whatever the signal says. */
function hangs(): Unruly {
  const device: Device = {
    ...anObedientLock("unruly"),
    start: () => never,
    lock: {
      relocks: "when-told",
      release: () => never,
      secure: () => never,
      state: () => ({ bolt: "unknown", basis: "assumed" }),
    },
    codes: { ...codes, list: () => never, set: () => never, clear: () => never },
  };
  return { device, run: () => undefined };
}

function throws(): Unruly {
  const fail = () => {
    throw new Error("this driver throws");
  };
  const device: Device = {
    ...anObedientLock("unruly"),
    start: fail,
    stop: fail,
    lock: { relocks: "when-told", release: fail, secure: fail, state: () => ({ bolt: "unknown", basis: "assumed" }) },
    codes: { ...codes, list: fail, set: fail, clear: fail },
  };
  return { device, run: () => undefined };
}

/** Each turn of the loop some hundred reports, none of them waited for. */
function floods(): Unruly {
  let listener: ReportListener = async () => undefined;
  const device: Device = {
    ...anObedientLock("unruly"),
    subscribe: (to) => {
      listener = to;
      return () => undefined;
    },
  };
  const report = () => listener({ type: "bolt", state: "released" }).catch(() => undefined);
  const run = (signal: AbortSignal) => {
    if (signal.aborted) return;
    for (let count = 0; count < 100; count += 1) void report();
    setImmediate(run, signal);
  };
  return { device, run };
}

/** As a library in a process of its own does (drivers/ring): it is ended when it has grown too large, and started again. */
function leaks(): Unruly {
  const child = new SupervisedChild({
    module: new URL("../support/unruly-child.ts", import.meta.url),
    begin: async () => ({ token: "", first: "work" }),
    answer: z.unknown(),
    news: z.unknown(),
    onNews: () => undefined,
    secrets: () => [],
    clock: systemClock,
    logger: silentLogger,
    pauses: { firstMs: 10, longestMs: 100, steadyMs: 60_000 },
  });
  const device: Device = { ...anObedientLock("unruly"), stop: () => child.stop() };
  const leak = async (signal: AbortSignal) => {
    child.start();
    while (!signal.aborted) {
      await child.ask({ do: "leak" }, { deadlineMs: 60_000, signal });
      await pause(10);
    }
  };
  return { device, run: (signal) => void leak(signal) };
}
