/** The codes inside locks follow the grants, whatever locks, lines and power do. Simulated clock, disk and locks, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodeLock } from "../support/code-lock.ts";
import { aDay, CodeSite, hour, minute, noon } from "../support/code-site.ts";

const weekend = { id: "weekend", pin: "482915", from: noon + 5 * aDay, until: noon + 7 * aDay };
const tonight = { id: "tonight", pin: "739164", from: noon + hour, until: noon + 20 * hour };

const one = (constraints: ConstructorParameters<typeof CodeLock>[2] = {}) =>
  CodeSite.start((clock) => [new CodeLock("front", clock, constraints)]);
const digitsIn = (lock: CodeLock) => lock.codes.map(({ digits }) => digits).sort();

test("a code is put into the lock three days before it begins, read back, and taken out when it is over", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(weekend);
  await site.pass(2 * aDay - minute);
  assert.deepEqual(lock!.calls, { list: 0, set: 0, clear: 0 });

  await site.pass(2 * minute);
  assert.deepEqual(
    lock!.codes.map(({ digits, window }) => ({ digits, window })),
    [{ digits: weekend.pin, window: { from: weekend.from, until: weekend.until } }],
  );
  await site.pass(4 * aDay);
  assert.equal(lock!.writes, 1);
  await site.pass(aDay + 10 * minute);
  assert.deepEqual(lock!.codes, []);

  await site.pass(aDay);
  const trail = await site.events("code-sent", "code-answered", "code-read");
  assert.deepEqual(
    trail.map((event) => (event.type === "code-read" ? event.state : event.type)),
    ["code-sent", "code-answered", "present", "present", "code-sent", "code-answered", "absent"],
  );
  assert.deepEqual(site.running.parts.records.codes.trailsOf("front"), []);
  assert.equal(lock!.writes, 2);
  await site.stop();
});

test("a lock without windows of its own gets the code when it begins, and loses it when it ends", async () => {
  const site = await one({ windows: "none", places: { kind: "numbered", first: 1 } });
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(hour - 10_000);
  assert.equal(lock!.opens(tonight.pin), false);
  await site.pass(minute);
  assert.equal(lock!.opens(tonight.pin), true);
  await site.pass(19 * hour);
  assert.equal(lock!.opens(tonight.pin), false);
  assert.equal(lock!.writes, 2);
  await site.stop();
});

for (const isMasked of [false, true])
  test(`a restart writes nothing and reads once${isMasked ? ", also where the lock tells no digits" : ""}`, async () => {
    const site = await one({ places: { kind: "numbered", first: 0 } });
    const [lock] = site.locks;
    lock!.isMasked = isMasked;
    await site.book(tonight);
    await site.pass(10 * minute);
    const calls = { ...lock!.calls };
    for (let start = 0; start < 3; start += 1) {
      await site.restart();
      await site.pass(10 * minute);
    }
    assert.deepEqual(lock!.calls, { ...calls, list: calls.list + 3 });
    assert.equal(lock!.writes, 1);
    await site.stop();
  });

test("a code that somebody deletes in the maker's app is seen within a day and put there again; a lock in order is read once a day", async () => {
  const site = await one();
  const [lock] = site.locks;
  const week = { id: "week", pin: "482915", from: noon + hour, until: noon + 7 * aDay };
  await site.book(week);
  await site.pass(aDay);
  const { list } = lock!.calls;
  await site.pass(3 * aDay);
  assert.equal(lock!.calls.list, list + 3);
  lock!.removeByHand(lock!.codes[0]!.ref);
  await site.pass(aDay + 10 * minute);
  assert.equal(lock!.opens(week.pin), true);
  assert.equal(lock!.writes, 2);
  await site.stop();
});

test("a lock in order that cannot be read after a restart is no alarm, and a change that is due does not wait for it", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tonight);
  await site.pass(2 * hour);
  lock!.isAsleep = true;
  await site.restart();
  const { list } = lock!.calls;
  await site.pass(4 * hour);
  assert.ok(lock!.calls.list - list <= 9, `${lock!.calls.list - list} times`);
  assert.deepEqual(await site.events("codes-stuck"), []);
  lock!.isAsleep = false;
  await site.book({ id: "late", pin: "615243", from: noon + 6 * hour, until: noon + 20 * hour });
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock!), ["615243", tonight.pin].sort());
  await site.stop();
});

test("a write that nobody answered is looked for before anything is written again", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.beforeCall = (call) => {
    if (call === "set" && lock!.calls.set === 1) lock!.faults.length = 0;
  };
  lock!.afterCall = (call) => {
    if (call === "list" && lock!.calls.list === 1) lock!.faults.push("done, unanswered");
  };
  await site.book(tonight);
  await site.pass(30 * minute);
  assert.deepEqual(digitsIn(lock!), [tonight.pin]);
  assert.equal(lock!.calls.set, 1);
  await site.stop();
});

test("one that was accepted and never arrived is written again, once it has had its time", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.afterCall = (call) => {
    if (call === "list" && lock!.calls.list === 1) lock!.faults.push("dropped");
  };
  await site.book(tonight);
  await site.pass(50_000);
  assert.equal(lock!.calls.set, 1);
  await site.pass(20 * minute);
  assert.deepEqual([lock!.calls.set, digitsIn(lock!)], [2, [tonight.pin]]);
  await site.stop();
});

test("what was tried in vain without a line is tried at once when it is back, though the lock itself was never away", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.isAsleep = true;
  await site.book(tonight);
  await site.pass(10 * minute);
  lock!.isAsleep = false;
  site.running.parts.lineBack.tell();
  await site.pass(minute);
  assert.deepEqual(digitsIn(lock!), [tonight.pin]);
  await site.stop();
});

test("a lock that cannot be read is never written to; it is told once, tried less often, and at once when it comes back", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.isAsleep = true;
  await site.book(tonight);
  await site.pass(30 * minute);
  assert.equal(lock!.writes, 0);
  assert.ok(lock!.calls.list >= 3 && lock!.calls.list <= 5, `${lock!.calls.list} reads`);
  assert.equal((await site.events("codes-stuck")).length, 1);

  await lock!.wakeUp();
  await site.pass(minute);
  assert.deepEqual(digitsIn(lock!), [tonight.pin]);
  await site.stop();
});

test("somebody else's codes are left alone, and one with the same digits keeps ours out and is told", async () => {
  const site = await one();
  const [lock] = site.locks;
  lock!.putByHand("111222");
  const ref = lock!.putByHand(tonight.pin);
  await site.book(tonight);
  await site.book({ ...tonight, id: "other", pin: "555123" });
  await site.pass(hour);
  assert.deepEqual(digitsIn(lock!), ["111222", "555123", tonight.pin].sort());
  assert.deepEqual(
    (await site.events("code-missing")).map(({ grant, why }) => [grant, why]),
    [["tonight", "taken"]],
  );

  lock!.removeByHand(ref);
  await site.pass(hour);
  await site.pass(20 * hour);
  assert.deepEqual(digitsIn(lock!), ["111222"]);
  await site.stop();
});

test("when the lock is full the guest in the house keeps the code, who arrives next gets a place, and who has none is told", async () => {
  const site = await one({ capacity: 2 });
  const [lock] = site.locks;
  await site.book({ id: "in-house", pin: "100001", from: noon - aDay, until: noon + 10 * aDay });
  await site.book({ id: "in-three-days", pin: "100003", from: noon + 70 * hour, until: noon + 9 * aDay });
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock!), ["100001", "100003"]);

  await site.book({ id: "tomorrow", pin: "100002", from: noon + 20 * hour, until: noon + 30 * hour });
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock!), ["100001", "100002"]);
  assert.deepEqual(await site.events("code-missing"), []);
  await site.book({ id: "tonight", pin: "100004", from: noon + 10 * hour, until: noon + 80 * hour });
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock!), ["100001", "100004"]);
  assert.deepEqual(
    (await site.events("code-missing")).map(({ grant, why }) => [grant, why]),
    [["tomorrow", "no-room"]],
  );

  await site.pass(85 * hour);
  assert.deepEqual(digitsIn(lock!), ["100001", "100003"]);
  await site.stop();
});

test("a stay that is extended keeps its place, its digits and its neighbours' codes", async () => {
  const site = await one({ places: { kind: "numbered", first: 1 } });
  const [lock] = site.locks;
  await site.book(tonight);
  await site.book({ ...tonight, id: "neighbour", pin: "616263" });
  await site.pass(10 * minute);
  const before = lock!.codes.find(({ digits }) => digits === tonight.pin)!;
  await site.book({ ...tonight, until: tonight.until + aDay });
  await site.pass(10 * minute);
  const after = lock!.codes.find(({ digits }) => digits === tonight.pin)!;
  assert.deepEqual(after, { ...before, window: { from: tonight.from, until: tonight.until + aDay } });
  assert.equal(lock!.writes, 3);
  await site.stop();
});

test("a booking that is cancelled takes the code out within a minute", async () => {
  const site = await one();
  await site.book(tonight);
  await site.pass(10 * minute);
  await site.cancel("tonight");
  await site.pass(minute);
  assert.deepEqual(site.locks[0]!.codes, []);
  await site.stop();
});

test("a spare code is in the lock before anybody is given it, and being given needs no write where the lock knows no windows", async () => {
  const site = await one({ windows: "none", places: { kind: "numbered", first: 1 } });
  const [lock] = site.locks;
  const spare = { id: "spare", pin: "482915", from: noon, until: noon + 100 * aDay };
  await site.book({ ...spare, change: { mustUnderstand: ["reserve"] } });
  await site.pass(5 * minute);
  assert.equal(lock!.opens(spare.pin), true);
  await site.book({ ...spare, until: noon + 2 * aDay });
  await site.pass(aDay);
  assert.deepEqual([lock!.opens(spare.pin), lock!.writes], [true, 1]);
  await site.pass(aDay + hour);
  assert.equal(lock!.opens(spare.pin), false);
  await site.stop();
});

test("what a lock can never hold is told, and nothing is tried", async () => {
  const site = await one({ digits: "123456789", forbiddenPrefixes: ["12"], lengths: [6] });
  const [lock] = site.locks;
  await site.book({ ...tonight, id: "zero", pin: "480915" });
  await site.book({ ...tonight, id: "prefix", pin: "124567" });
  await site.book({ ...tonight, id: "long", pin: "4567891" });
  await site.book({ ...tonight, id: "counted", pin: "456789", change: { entriesAllowed: 3 } });
  await site.pass(10 * minute);
  assert.equal(lock!.writes, 0);
  assert.deepEqual((await site.events("code-missing")).map(({ grant, why }) => `${grant}: ${why}`).sort(), [
    "counted: entries",
    "long: digits",
    "prefix: digits",
    "zero: digits",
  ]);
  await site.stop();
});

for (const places of [{ kind: "given" }, { kind: "numbered", first: 1 }] as const)
  for (const when of ["beforeCall", "afterCall"] as const)
    test(`the gateway dies ${when === "beforeCall" ? "before" : "after"} any call to a lock whose places are ${places.kind}: no orphan, no double, nothing lost`, async () => {
      for (let last = 1; ; last += 1) {
        const site = await one({ places });
        const [lock] = site.locks;
        lock!.putByHand("111222");
        let count = 0;
        lock![when] = async () => {
          count += 1;
          if (count === last) await new Promise(() => undefined);
        };
        let isDead = false;
        const passAndComeBack = async (ms: number) => {
          await site.pass(ms);
          if (isDead || count < last) return;
          isDead = true;
          await site.killAndStart();
          await site.pass(hour);
        };
        await site.book(tonight);
        await passAndComeBack(2 * hour);
        assert.deepEqual(digitsIn(lock!), ["111222", tonight.pin], `after call ${last}`);
        await passAndComeBack(19 * hour);
        assert.deepEqual(digitsIn(lock!), ["111222"], `after call ${last}`);
        await site.stop();
        if (!isDead) break;
      }
    });

test("that a change will be sent is on the disk before the lock hears of it", async () => {
  const site = await one();
  const [lock] = site.locks;
  const onDisk: number[] = [];
  lock!.beforeCall = (call) => {
    if (call !== "list") onDisk.push(site.running.parts.journal.durableSeq);
  };
  site.slowDisk(500);
  void site.book(tonight);
  await site.pass(30 * hour);
  site.slowDisk(0);
  await site.pass(minute);
  const sent = (await site.events("code-sent")).map(({ seq }) => seq);
  assert.equal(sent.length, 2);
  assert.ok(
    sent.every((seq, index) => onDisk[index]! >= seq),
    `${onDisk} after ${sent}`,
  );
  await site.stop();
});

test("a code that is revoked while its sending is written down is not sent", async () => {
  const site = await one();
  const [lock] = site.locks;
  const written = Promise.withResolvers<void>();
  lock!.afterCall = (call) => {
    if (call === "list") site.slowDisk(5_000);
  };
  await site.book(tonight);
  await site.pass(3_000);
  assert.equal(lock!.calls.list, 1);
  void site.cancel("tonight").then(written.resolve);
  await site.pass(5 * minute);
  await written.promise;
  site.slowDisk(0);
  await site.pass(minute);
  assert.equal(lock!.calls.set, 0);
  await site.stop();
});

test("digits appear in no event", async () => {
  const site = await one();
  await site.book(tonight);
  await site.pass(30 * hour);
  const events = await site.events("code-sent", "code-answered", "code-read", "code-missing");
  assert.ok(events.length >= 6);
  assert.ok(!JSON.stringify(events).includes(tonight.pin));
  await site.stop();
});
