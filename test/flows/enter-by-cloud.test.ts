/** Entries that a guard counts through the cloud, at the gate. Simulated clock and disk, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { enterByCloud } from "../../gateway/flows/enter-by-cloud.ts";
import type { EntryCommand } from "../../gateway/ports/cloud-link.ts";
import { sealedEntry } from "../../gateway/wire/guard-api.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { rosa } from "../support/staffed-gate.ts";

async function aGate(overrides: Parameters<typeof aGuardedGate>[0] = {}) {
  const gate = await aGuardedGate(overrides);
  let id = 0;
  const enter = (more: Partial<EntryCommand> = {}, uid = leasUid) => {
    id += 1;
    const pass = gate.site.seal.seal(sealedEntry, uid);
    const facts = { id, accessPoint: "front", ageMs: 0, ttlMs: 10_000, by: "key-1", staff: rosa.id, pass };
    const command = {
      ...facts,
      action: "enter",
      nonce: `by-cloud-0000-${String(id).padStart(4, "0")}`,
      ...more,
    } as const;
    const now = gate.site.clock.monotonic();
    return enterByCloud(gate.site, { command, askedAt: now, answeredAt: now, heldMs: 0 });
  };
  const ends = async () =>
    (await gate.events("command-ended")).map((event) => {
      const { result, of, reason } = event as { result: string; of?: number; reason?: string };
      return of === undefined ? { result, reason } : { result, isNumbered: true, reason };
    });
  return { ...gate, enter, ends };
}

test("counts and opens once, on the guard's name, the command on the disk before; the same number again moves nothing", async () => {
  const gate = await aGate({ entriesAllowed: 2 });
  await gate.enter();
  await gate.enter({ nonce: "by-cloud-0000-0001" });
  assert.equal(gate.heard.length, 1);
  const [taken, admitted] = await gate.events("command-taken", "admitted");
  assert.deepEqual([taken?.type, admitted?.type], ["command-taken", "admitted"]);
  assert.deepEqual(admitted && "scan" in admitted && admitted.scan, { staff: rosa.id, nonce: "by-cloud-0000-0001" });
  const confirmed = { result: "confirmed", isNumbered: true, reason: undefined };
  assert.deepEqual(await gate.ends(), [confirmed, confirmed]);
  assert.doesNotMatch(JSON.stringify(await gate.events("command-taken", "command-ended")), new RegExp(leasUid));
});

test("a denial says why; what is old, of nobody who works here, for no gate here or sealed by nobody we know moves nothing", async () => {
  const gate = await aGate({ entriesAllowed: 1 });
  await gate.enter();
  await gate.enter();
  await gate.enter({ ageMs: 10_001 });
  await gate.enter({ ageMs: 20_000, ttlMs: 3_600_000 });
  await gate.enter({ staff: "person-nobody" });
  await gate.enter({ accessPoint: "attic" });
  await gate.enter({ pass: "AAAA" });
  await gate.enter({}, "VIS-00000-AAA");
  assert.deepEqual(await gate.ends(), [
    { result: "confirmed", isNumbered: true, reason: undefined },
    { result: "refused", reason: "LIMIT_REACHED" },
    { result: "expired", reason: undefined },
    { result: "expired", reason: undefined },
    { result: "refused", reason: undefined },
    { result: "refused", reason: undefined },
    { result: "refused", reason: undefined },
    { result: "refused", reason: "OFFLINE_NO_CACHE" },
  ]);
  assert.equal(gate.heard.length, 1);
});

test("a command that was taken before does not run again", async () => {
  const gate = await aGate();
  await gate.enter();
  await gate.enter({ id: 1 });
  assert.equal(gate.heard.length, 1);
  assert.equal((await gate.ends()).length, 1);
});
