/** The codes inside locks on their worst days: hands, makers, clocks and cards that go wrong. Simulated clock, disk and locks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeLabel } from "../../gateway/domain/code-trail.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { type CallFault, CodeLock } from "../support/code-lock.ts";
import { aDay, CodeSite, credentialOf, hour, minute, noon } from "../support/code-site.ts";

const tonight = { id: "tonight", pin: "739164", from: noon + hour, until: noon + 20 * hour };
const dayAfter = { id: "dayafter", pin: "482915", from: noon + 40 * hour, until: noon + 60 * hour };
const numbered = { kind: "numbered", first: 1 } as const;
const never = new AbortController().signal;

const one = (constraints: ConstructorParameters<typeof CodeLock>[2] = {}) =>
  CodeSite.start((clock) => [new CodeLock("front", clock, constraints)]);
const digitsIn = (lock: CodeLock) => lock.codes.map(({ digits }) => digits).sort();
const alarms = async (site: CodeSite) =>
  (await site.events("code-missing", "codes-stuck")).map((event) =>
    event.type === "code-missing" ? `${event.grant}: ${event.why}` : "stuck",
  );

test("somebody's code in the next place is not written over: a list is old after five minutes", async () => {
  const site = await one({ places: numbered });
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(10 * minute);
  lock!.putByHand("111222");
  await site.book({ ...tonight, id: "other", pin: "555123" });
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock!), ["111222", "555123", tonight.pin]);
  await site.stop();
});

test("somebody's code that was put where ours stood is not taken out for it", async () => {
  const site = await one({ places: numbered });
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(10 * minute);
  lock!.removeByHand("1");
  lock!.putByHand("111222");
  await site.pass(30 * hour);
  assert.deepEqual(digitsIn(lock!), ["111222"]);
  await site.stop();
});

test("digits that were taken are free again: ours is put there within the hour", async () => {
  const site = await one();
  const [lock] = site.locks;
  const ref = lock!.putByHand(tonight.pin);
  await site.book(tonight);
  await site.pass(10 * minute);
  assert.deepEqual(await alarms(site), ["tonight: taken"]);
  lock!.removeByHand(ref);
  await site.pass(hour);
  assert.ok(lock!.codes.some(({ label }) => label === codeLabel(credentialOf("tonight"))));
  await site.stop();
});

for (const fate of ["refused", "dropped"] as CallFault[])
  test(`a code that is ${fate} again and again is told, and tried less and less often; its neighbour is not held up`, async () => {
    const site = await one();
    const [lock] = site.locks;
    lock!.fate = fate;
    await site.book(dayAfter);
    await site.pass(24 * hour);
    assert.ok((await alarms(site)).includes("stuck"));
    assert.ok(lock!.calls.set < 60, `${lock!.calls.set} tries in a day`);

    lock!.fate = undefined;
    await site.book({ ...dayAfter, id: "neighbour", pin: "616263" });
    await site.pass(2 * minute);
    assert.ok(digitsIn(lock!).includes("616263"));
    await site.pass(hour);
    assert.deepEqual(digitsIn(lock!), [dayAfter.pin, "616263"]);
    await site.stop();
  });

test("a code that cannot be taken out is told", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(10 * minute);
  lock!.fate = "refused";
  await site.cancel("tonight");
  await site.pass(10 * hour);
  assert.deepEqual(await alarms(site), ["stuck"]);
  assert.ok(lock!.calls.clear < 40, `${lock!.calls.clear} tries`);
  await site.stop();
});

test("a change that the maker never ends is looked at less and less often, and told at check-in", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.told = (codes) => codes.map((code) => ({ ...code, pending: true }));
  await site.book(tonight);
  await site.pass(10 * hour);
  assert.deepEqual(await alarms(site), ["tonight: late"]);
  assert.ok(lock!.calls.list < 100, `${lock!.calls.list} lists`);
  await site.stop();
});

test("a guest who is booked while the lock has long been dead is told of by name", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.isAsleep = true;
  await site.book(tonight);
  await site.pass(5 * aDay);
  await site.book({ ...tonight, id: "later", pin: "555123", from: noon + 6 * aDay, until: noon + 8 * aDay });
  await site.pass(aDay + hour);
  assert.ok((await alarms(site)).includes("later: late"));
  await site.stop();
});

test("a code that was lost since it was put there is noticed before the guest arrives", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(dayAfter);
  await site.pass(10 * minute);
  lock!.removeByHand(lock!.codes[0]!.ref);
  await site.pass(40 * hour);
  assert.equal(lock!.opens(dayAfter.pin), true);
  await site.stop();
});

test("the same digits for two guests go to the lock once, while the first do not show yet", async () => {
  const site = await one({ settlesMs: 600_000 });
  const [lock] = site.locks;
  lock!.told = () => [];
  await site.book(tonight);
  await site.book({ ...tonight, id: "same", from: tonight.from + hour });
  await site.pass(4 * minute);
  assert.equal(lock!.calls.set, 1);
  await site.stop();
});

test("a code that an earlier card put into a lock without names is known again by its digits, and ends with its stay", async () => {
  const site = await one({ places: numbered });
  const [lock] = site.locks;
  const window = { from: tonight.from, until: tonight.until };
  const request = { ref: "1", label: "of an earlier card", digits: new SecretString(tonight.pin), window };
  await lock!.device.codes!.set(request, never);
  await site.book(tonight);
  await site.pass(10 * minute);
  assert.equal(lock!.calls.set, 1);
  await site.pass(20 * hour);
  assert.deepEqual(lock!.codes, []);
  await site.stop();
});

test("what is missing is told once, however often it is looked at", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(10 * minute);
  lock!.isAsleep = true;
  await site.book({ ...tonight, change: { entriesAllowed: 3 } });
  await site.pass(10 * hour);
  assert.deepEqual(
    (await alarms(site)).filter((alarm) => alarm !== "stuck"),
    ["tonight: entries"],
  );
  await site.stop();
});

test("somebody's code by the name of Postern Bob is not ours", async () => {
  const site = await one();
  const [lock] = site.locks;
  await lock!.device.codes!.set({ label: "Postern Bob", digits: new SecretString("111222") }, never);
  await site.book(tonight);
  await site.pass(hour);
  assert.deepEqual(digitsIn(lock!), ["111222", tonight.pin]);
  await site.stop();
});
