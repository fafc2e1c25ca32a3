/** A start that dies while it mends a damaged journal does not make the next one believe that nothing is lost. Simulated disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SimDisk } from "../support/sim-disk.ts";
import { aGrantRow, anAdmission, aPage, aStore, smallLimits } from "../support/site-store.ts";

const limits = { ...smallLimits, segmentBytes: 4096, ballastBytes: 1024 };
const turnsMax = 2_000;

const damages: readonly [string, (sim: SimDisk, tail: string) => void][] = [
  ["cut off after half its lines", (sim, tail) => sim.replace(tail, halfOf(sim.contents(tail)))],
  ["empty", (sim, tail) => sim.replace(tail, new Uint8Array())],
  ["zeros", (sim, tail) => sim.replace(tail, new Uint8Array(sim.contents(tail).length))],
];

for (const [what, spoil] of damages)
  test(`the newest part of the journal is ${what}: known after a death at any operation of the start`, async () => {
    const origin = await aJournal();
    const spoilt = () => {
      const sim = origin.copy();
      const tail = sim.paths
        .filter((path) => /journal\/\d+\.jsonl$/.test(path) && hasLines(sim.contents(path)))
        .at(-1)!;
      spoil(sim, tail);
      return sim;
    };
    assert.ok((await aStore(spoilt().mount(), "/data", { limits })).cache.records.suspect);

    let deaths = 0;
    for (let last = 1; ; last += 1) {
      const sim = spoilt();
      if (!(await diesAt(sim, last))) break;
      deaths += 1;
      const again = await aStore(sim.mount(), "/data", { limits });
      assert.ok(again.cache.records.suspect, `dead at operation ${last}: nothing is missed`);
    }
    assert.ok(deaths > 20, `${deaths} deaths`);
  });

/** False when the start was over before. */
async function diesAt(sim: SimDisk, last: number): Promise<boolean> {
  let count = 0;
  let isDead = false;
  let isOver = false;
  sim.pause = async () => {
    count += 1;
    if (count !== last) return;
    isDead = true;
    sim.kill();
  };
  const ended = () => {
    isOver = true;
  };
  aStore(sim.mount(), "/data", { limits }).then(ended, ended);
  for (let turn = 0; turn < turnsMax && !isDead && !isOver; turn += 1) await nextTurn();
  sim.pause = undefined;
  return isDead;
}

/** Of a process that was killed. */
async function aJournal(): Promise<SimDisk> {
  const sim = new SimDisk();
  const store = await aStore(sim.mount(), "/data", { limits });
  await store.journal.record({ kind: "page", page: aPage([aGrantRow("one", 50)]), at: 5 }).durable;
  for (let entry = 0; entry < 19; entry += 1) await store.journal.recordEvent(anAdmission("one", 4)).durable;
  sim.kill();
  return sim.copy();
}

function hasLines(bytes: Uint8Array): boolean {
  return bytes.some((byte) => byte !== 10);
}

function halfOf(bytes: Uint8Array): Uint8Array {
  const ends = [...bytes].flatMap((byte, at) => (byte === 10 && bytes[at - 1] !== 10 ? [at + 1] : []));
  return bytes.slice(0, ends[Math.floor(ends.length / 2)]);
}
