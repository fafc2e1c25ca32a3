/** Members' accounts at a maker's cloud follow their bookings, whatever lines and power do. Simulated clock, disk and cloud, the rest is real. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { codeLabel } from "../../gateway/domain/code-trail.ts";
import type { CodeWindow } from "../../gateway/domain/lock-code.ts";
import { type CallFault, CodeLock } from "../support/code-lock.ts";
import { aDay, CodeSite, credentialOf, hour, minute, noon } from "../support/code-site.ts";
import fc from "../support/fast-check.ts";

const ada = "ada@hub.example";
const ben = "ben@hub.example";
const tomorrow = { id: "tomorrow", pin: ada, from: noon + 20 * hour, until: noon + 30 * hour };
const inAMonth = { id: "inamonth", pin: ada, from: noon + 30 * aDay, until: noon + 31 * aDay };

const aCloud = { keeps: "accounts", keptBy: "cloud", ...{ lengths: [], digits: "" }, capacity: 50 } as const;
const one = () => CodeSite.start((clock) => [new CodeLock("studio", clock, aCloud)]);
const kept = (lock: CodeLock) =>
  lock.codes.map(({ digits, window }) => ({ digits, window })).sort((a, b) => from(a) - from(b));
const from = ({ window }: { readonly window: CodeWindow | null }) => window?.from ?? 0;
const windowOf = ({ from, until }: CodeWindow) => ({ from, until });

test("a booking of next month is at the maker within seconds, moves with its booking and goes with it, each at once", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book({ ...inAMonth, pin: ben, id: "before" });
  await site.pass(10_000);
  await site.book(inAMonth);
  await site.pass(1_000);
  assert.deepEqual(
    kept(lock!).map(({ digits }) => digits),
    [ben, ada],
  );
  const moved = { ...inAMonth, until: inAMonth.until + aDay };
  await site.book(moved);
  await site.pass(3_000);
  assert.deepEqual(
    lock!.codes.map(({ window }) => window?.until),
    [inAMonth.until, moved.until],
  );
  await site.cancel("inamonth");
  await site.pass(3_000);
  assert.deepEqual(
    kept(lock!).map(({ digits }) => digits),
    [ben],
  );
  assert.equal(lock!.calls.set, 3);
  await site.stop();
});

test("a booking that is cancelled as soon as it is made is gone within seconds", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(inAMonth);
  await site.pass(500);
  assert.equal(lock!.codes.length, 1);
  await site.cancel("inamonth");
  await site.pass(3_000);
  assert.deepEqual(lock!.codes, []);
  await site.stop();
});

test("ten who are confirmed at once do not wait for each other to be read back", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.pass(minute);
  for (let nth = 0; nth < 10; nth += 1) await site.book({ ...inAMonth, id: `m${nth}`, pin: `m${nth}@hub.example` });
  await site.pass(1_000);
  assert.equal(lock!.codes.length, 10);
  assert.ok(lock!.calls.list <= 2, `${lock!.calls.list} lists`);
  await site.pass(2 * hour);
  assert.ok(lock!.calls.list <= 6, `${lock!.calls.list} lists in two hours`);
  assert.equal(lock!.writes, 10);
  await site.stop();
});

test("two bookings of one member stand beside each other, also for the same hours, and go one by one", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tomorrow);
  await site.book({ ...tomorrow, id: "again" });
  await site.book(inAMonth);
  await site.pass(10_000);
  assert.deepEqual(kept(lock!).map(windowOfKept), [tomorrow, tomorrow, inAMonth].map(windowOf));
  await site.cancel("again");
  await site.pass(10_000);
  assert.deepEqual(kept(lock!).map(windowOfKept), [tomorrow, inAMonth].map(windowOf));
  await site.pass(40 * hour);
  assert.deepEqual(kept(lock!).map(windowOfKept), [inAMonth].map(windowOf));
  assert.deepEqual(await site.events("code-missing", "codes-stuck"), []);
  await site.stop();
});

const windowOfKept = ({ window }: { readonly window: CodeWindow | null }) => window;

test("what somebody takes away or changes at the maker is put right within the hour; an account that is called otherwise by now stays", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tomorrow);
  await site.book(inAMonth);
  await site.pass(minute);
  const [first, second] = lock!.codes;
  lock!.removeByHand(first!.ref);
  lock!.changeByHand(second!.ref, { window: null, digits: "ada.lovelace@hub.example" });
  await site.pass(hour + 2 * minute);
  assert.deepEqual(kept(lock!).map(windowOfKept), [tomorrow, inAMonth].map(windowOf));
  assert.deepEqual(lock!.codes.map(({ digits }) => digits).sort(), ["ada.lovelace@hub.example", ada]);
  await site.stop();
});

test("one that is taken away while its booking moves is given anew, once", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tomorrow);
  await site.pass(minute);
  await site.book({ ...tomorrow, until: tomorrow.until + hour });
  await site.pass(0);
  lock!.removeByHand(lock!.codes[0]!.ref);
  await site.pass(3 * hour);
  assert.deepEqual(kept(lock!).map(windowOfKept), [windowOf({ ...tomorrow, until: tomorrow.until + hour })]);
  await site.cancel("tomorrow");
  await site.pass(minute);
  assert.deepEqual(lock!.codes, []);
  await site.stop();
});

test("a look that fails is taken again in some minutes", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(inAMonth);
  await site.pass(minute);
  lock!.faults.push("unreachable");
  lock!.removeByHand(lock!.codes[0]!.ref);
  await site.pass(hour + 7 * minute);
  assert.equal(lock!.codes.length, 1);
  assert.deepEqual(await site.events("codes-stuck"), []);
  await site.stop();
});

test("a card that is new knows the accounts of the one before it, each once", async () => {
  const site = await one();
  const [lock] = site.locks;
  for (const _ of [1, 2]) lock!.putByHand(ada, windowOf(tomorrow));
  lock!.putByHand(ada);
  await site.book(tomorrow);
  await site.book({ ...tomorrow, id: "again" });
  await site.pass(10 * minute);
  assert.equal(lock!.writes, 0);
  await site.cancel("again");
  await site.cancel("tomorrow");
  await site.pass(10 * minute);
  assert.deepEqual(kept(lock!), [{ digits: ada, window: null }]);
  await site.stop();
});

test("a card that is new tells how many stand there whom nothing explains, until they are gone", async () => {
  const site = await one();
  const [lock] = site.locks;
  const attention = () => site.running.parts.attentions.get("studio");
  lock!.putByHand(ada, windowOf(tomorrow));
  const [first, second] = [lock!.putByHand(ben), lock!.putByHand("eve@hub.example")];
  await site.book(tomorrow);
  await site.pass(minute);
  assert.match(attention() ?? "", /^2 of those who may open it/);
  lock!.removeByHand(first);
  await site.pass(2 * hour);
  assert.match(attention() ?? "", /^1 of those who may open it/);
  lock!.removeByHand(second);
  await site.pass(2 * hour);
  assert.equal(attention(), undefined);
  await site.restart();
  lock!.putByHand(ben);
  await site.pass(2 * hour);
  assert.equal(attention(), undefined, "what others put there is theirs");
  await site.stop();
});

test("whoever has no account that could be opened by has no code, and a PIN is none", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book({ ...tomorrow, pin: "482915" });
  await site.book({ ...inAMonth, id: "counted", change: { entriesAllowed: 3, homeGateway: "gate-1" } });
  await site.pass(30 * aDay - hour);
  assert.equal(lock!.writes, 0);
  const missing = await site.events("code-missing");
  assert.deepEqual(
    missing.map(({ grant, why }) => [grant, why]),
    [["counted", "entries"]],
  );
  await site.stop();
});

test("a day without the maker is caught up with as soon as it is back, and nothing is doubled", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book(tomorrow);
  await site.pass(minute);
  lock!.isAsleep = true;
  await site.book({ ...inAMonth, id: "new", pin: ben });
  await site.book({ ...inAMonth, id: "other" });
  await site.cancel("tomorrow");
  await site.pass(aDay);
  assert.deepEqual(kept(lock!).map(windowOfKept), [windowOf(tomorrow)]);
  await lock!.wakeUp();
  await site.pass(10_000);
  assert.deepEqual(
    kept(lock!)
      .map(({ digits }) => digits)
      .sort(),
    [ada, ben],
  );
  await site.pass(aDay);
  assert.equal(lock!.codes.length, 2);
  await site.stop();
});

test("members whom the maker refuses keep nobody else waiting, neither to come nor to go", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.book({ ...inAMonth, id: "goes" });
  await site.pass(10_000);
  for (const nth of [1, 2, 3, 4]) {
    lock!.takesNot.add(`wrong.${nth}@hub.example`);
    await site.book({ ...tomorrow, id: `wrong${nth}`, pin: `wrong.${nth}@hub.example` });
  }
  await site.pass(30_000);
  await site.book({ ...inAMonth, id: "comes", pin: ben });
  await site.cancel("goes");
  await site.pass(3_000);
  assert.deepEqual(
    kept(lock!).map(({ digits }) => digits),
    [ben],
  );
  const before = lock!.calls.set;
  await site.pass(12 * hour);
  assert.ok(lock!.calls.set - before <= 4 * 30, `${lock!.calls.set - before} tries in twelve hours`);
  await site.stop();
});

test("an account whose hours the maker keeps otherwise is given once, and goes with its booking", async () => {
  const site = await one();
  const [lock] = site.locks;
  const label = codeLabel(credentialOf(tomorrow.id));
  lock!.told = (codes) => codes.map((code) => ({ ...code, label, window: { from: noon, until: tomorrow.until } }));
  await site.book(tomorrow);
  await site.pass(10_000);
  await site.restart();
  await site.pass(15 * hour);
  assert.equal(lock!.codes.length, 1);
  await site.cancel(tomorrow.id);
  await site.pass(minute);
  assert.deepEqual(lock!.codes, []);
  await site.stop();
});

test("a door with more accounts than it may have takes nobody out for somebody who would not get in", async () => {
  const site = await CodeSite.start((clock) => [new CodeLock("studio", clock, { ...aCloud, capacity: 4 })]);
  const [lock] = site.locks;
  await site.book(inAMonth);
  await site.pass(10_000);
  const others = [1, 2, 3, 4, 5].map((nth) => lock!.putByHand(`other.${nth}@hub.example`));
  await site.book({ ...tomorrow, pin: ben });
  await site.pass(2 * hour);
  assert.equal(lock!.codes.length, 6);
  assert.deepEqual(
    (await site.events("code-missing")).map(({ grant, why }) => [grant, why]),
    [["tomorrow", "no-room"]],
  );
  for (const ref of others.slice(2)) lock!.removeByHand(ref);
  await site.pass(2 * hour);
  assert.deepEqual(
    kept(lock!).flatMap(({ digits }) => (digits.startsWith("other") ? [] : [digits])),
    [ben, ada],
  );
  await site.stop();
});

test("what the gateway left at a maker before its card was lost goes, also where nobody is booked; others' stays", async () => {
  const aCloudOfPins = { keptBy: "cloud" } as const;
  const site = await CodeSite.start((clock) => [new CodeLock("studio", clock, aCloudOfPins)]);
  const [lock] = site.locks;
  lock!.putByHand("111222");
  lock!.changeByHand(lock!.putByHand("333444"), { label: codeLabel(credentialOf("long gone")) });
  await site.restart();
  await site.pass(hour);
  assert.deepEqual(
    kept(lock!).map(({ digits }) => digits),
    ["111222"],
  );
  assert.ok(lock!.calls.list <= 3, `${lock!.calls.list} lists`);
  await site.stop();
});

test("a list that could not be read with one key is read with the next at once", async () => {
  const site = await one();
  const [lock] = site.locks;
  await site.switchAccount(true, "the first key");
  lock!.isAsleep = true;
  await site.book(tomorrow);
  await site.pass(hour);
  lock!.isAsleep = false;
  await site.switchAccount(true, "the second key");
  await site.pass(3_000);
  assert.equal(lock!.codes.length, 1);
  await site.stop();
});

for (const when of ["beforeCall", "afterCall"] as const)
  test(`the gateway dies ${when === "beforeCall" ? "before" : "after"} any call, and the booking is cancelled meanwhile or later: nothing of it is left, and nothing of others' is gone`, async () => {
    for (const isCancelledMeanwhile of [false, true])
      for (let last = 1; ; last += 1) {
        const site = await one();
        const [lock] = site.locks;
        // Of the same person, for other hours.
        lock!.putByHand(ada, windowOf(inAMonth));
        let count = 0;
        lock![when] = async () => {
          count += 1;
          if (count === last) await new Promise(() => undefined);
        };
        await site.book(tomorrow);
        await site.pass(10_000);
        const isDead = count >= last;
        if (isDead) await site.killAndStart();
        if (isCancelledMeanwhile) await site.cancel("tomorrow");
        await site.pass(30 * minute);
        const ours = isCancelledMeanwhile ? [] : [windowOf(tomorrow)];
        assert.deepEqual(kept(lock!).map(windowOfKept), [...ours, windowOf(inAMonth)], `call ${last}`);
        if (!isCancelledMeanwhile) await site.cancel("tomorrow");
        await site.pass(30 * minute);
        assert.deepEqual(kept(lock!).map(windowOfKept), [windowOf(inAMonth)], `call ${last}`);
        await site.stop();
        if (!isDead) break;
      }
  });

const faults: readonly CallFault[] = ["unreachable", "lost", "done, unanswered", "refused", "dropped"];
const guests = ["a", "b", "c"] as const;

/** What may happen, with a little time after each. */
const happening = fc.record({
  passMs: fc.constantFrom(0, 700, 5_000, 30_000, 5 * minute, 30 * minute),
  what: fc.oneof(
    fc.record({
      do: fc.constant("book" as const),
      id: fc.constantFrom(...guests),
      pin: fc.constantFrom(ada, ben),
      day: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({ do: fc.constant("cancel" as const), id: fc.constantFrom(...guests) }),
    fc.record({ do: fc.constant("fault" as const), fault: fc.constantFrom(...faults) }),
    fc.record({
      do: fc.constant("others" as const),
      pin: fc.constantFrom(ada, ben),
      day: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({ do: fc.constant("take" as const), nth: fc.nat(5) }),
    fc.record({ do: fc.constantFrom("die" as const, "restart" as const) }),
  ),
});

test("whatever happens on the way, in the end there is one account for each booking, and whatever others put there", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 14 }), async (story) => {
      const site = await one();
      const [lock] = site.locks;
      const booked = new Map<string, { pin: string; from: number; until: number }>();
      const others = new Map<string, object>();
      const gone = new Set<string>();
      for (const { what, passMs } of story) {
        switch (what.do) {
          case "book": {
            const { id, pin, day } = what;
            // One who was cancelled never comes back under the same name, and nobody is given another account.
            if (gone.has(id)) break;
            const guest = { pin: booked.get(id)?.pin ?? pin, from: noon + day * aDay, until: noon + (day + 1) * aDay };
            booked.set(id, guest);
            await site.book({ id, ...guest });
            break;
          }
          case "cancel":
            if (booked.delete(what.id)) {
              gone.add(what.id);
              await site.cancel(what.id);
            }
            break;
          case "fault":
            lock!.faults.push(what.fault);
            break;
          case "others": {
            // For hours that are no booking's.
            const window = { from: noon + what.day * aDay + hour, until: noon + (what.day + 1) * aDay };
            const ref = lock!.putByHand(what.pin, window);
            others.set(ref, { digits: what.pin, window });
            break;
          }
          case "take": {
            const ours = lock!.codes.filter(({ ref }) => !others.has(ref));
            const { [what.nth]: taken } = ours;
            if (taken) lock!.removeByHand(taken.ref);
            break;
          }
          case "die":
            await site.killAndStart();
            break;
          case "restart":
            await site.restart();
        }
        await site.pass(passMs);
      }
      lock!.faults.length = 0;
      await site.pass(3 * hour);
      const wanted = [...booked.values()].map(({ pin, ...window }) => ({ digits: pin, window }));
      const inOrder = (all: readonly object[]) => all.map((each) => JSON.stringify(each)).sort();
      assert.deepEqual(inOrder(kept(lock!)), inOrder([...wanted, ...others.values()]));
      for (const id of booked.keys()) await site.cancel(id);
      await site.pass(3 * hour);
      assert.deepEqual(inOrder(kept(lock!)), inOrder([...others.values()]));
      await site.stop();
    }),
    { numRuns: Number(process.env.ACCOUNT_STORIES ?? 10) },
  );
});
