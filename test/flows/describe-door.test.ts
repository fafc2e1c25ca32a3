/** What the cloud hears of a door, and may refuse a grant for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDoor } from "../../gateway/flows/describe-door.ts";
import type { Device, Lock, Reader } from "../../gateway/ports/device.ts";
import { CodeLock } from "../support/code-lock.ts";
import { SimClock } from "../support/sim-clock.ts";

const lock: Lock = {
  relocks: "by-itself",
  release: async () => "unknown",
  secure: async () => "unknown",
  state: () => ({ bolt: "unknown", basis: "assumed" }),
};
const point = { id: "porch", name: "Porch", lock: "lock", readers: [], holdMs: 5_000 };

test("a lock that keeps codes tells what they may be; one that can keep none tells why", () => {
  const { device, constraints } = new CodeLock("lock", new SimClock(0));
  const porch = { id: "porch", name: "Porch", lock: "lock", reads: false, kinds: [] };
  assert.deepEqual(describeDoor(point, new Map([["lock", device]])), { ...porch, codes: constraints });
  const without = { lock: { ...lock, noCodes: "its maker has none" } };
  assert.deepEqual(describeDoor(point, new Map([["lock", without]])), { ...porch, noCodes: "its maker has none" });
  assert.deepEqual(describeDoor(point, new Map([["lock", { lock }]])), porch);
});

test("a lock that opens to accounts tells how many, and why it takes no PIN", () => {
  const noCodes = "it opens to members";
  const { device } = new CodeLock("lock", new SimClock(0), { keeps: "accounts", capacity: 500 });
  const studio = { ...device, lock: { ...lock, noCodes } };
  const told = { id: "porch", name: "Porch", lock: "lock", reads: false, kinds: [], noCodes };
  assert.deepEqual(describeDoor(point, new Map([["lock", studio]])), { ...told, accounts: { capacity: 500 } });
});

test("what its readers can read is told; where one does not say, nothing of kinds is", () => {
  const reader = (kinds: Reader["kinds"]) => ({ reader: { kinds, feedback: async () => undefined } });
  const devices = new Map<string, Pick<Device, "lock" | "reader">>([
    ["scanner", reader(["pass"])],
    ["box", reader(["pin", "pass"])],
    ["lock", { lock }],
  ]);
  const reads = (readers: readonly string[]) => describeDoor({ ...point, readers }, devices);
  assert.deepEqual(reads(["scanner"]), { id: "porch", name: "Porch", lock: "lock", reads: true, kinds: ["pass"] });
  assert.deepEqual(reads(["scanner", "box"]).kinds, ["pass", "pin"]);
  assert.deepEqual(reads(["lock"]), { id: "porch", name: "Porch", lock: "lock", reads: true });
  assert.equal(reads(["lock", "box"]).kinds, undefined);
});
