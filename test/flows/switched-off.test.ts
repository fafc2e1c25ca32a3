/** A maker's account that is switched off at the cloud takes nobody new, and those who are there leave when they are to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CodeLock } from "../support/code-lock.ts";
import { CodeSite, hour, minute, noon } from "../support/code-site.ts";

const stay = { id: "stay", pin: "482915", from: noon + hour, until: noon + 20 * hour };
const late = { id: "late", pin: "739164", from: noon + hour, until: noon + 20 * hour };

const digitsIn = (lock: CodeLock | undefined) => lock?.codes.map(({ digits }) => digits).sort();

test("nobody new is put into its locks while it is off, nor missed there; once it is on they are", async () => {
  const site = await CodeSite.start((clock) => [new CodeLock("front", clock, {})]);
  const [lock] = site.locks;
  await site.book(stay);
  await site.pass(10 * minute);
  await site.switchAccount(false);
  await site.book(late);
  await site.pass(2 * hour);
  assert.deepEqual(digitsIn(lock), [stay.pin]);
  assert.deepEqual(await site.events("code-missing"), []);
  await site.restart();
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock), [stay.pin]);

  await site.switchAccount(true);
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock), [stay.pin, late.pin]);
  await site.stop();
});

test("who stands there is taken out when the stay ends or is called off, on or off", async () => {
  const site = await CodeSite.start((clock) => [new CodeLock("front", clock, {})]);
  const [lock] = site.locks;
  await site.book(stay);
  await site.book(late);
  await site.pass(10 * minute);
  await site.switchAccount(false);
  await site.cancel("late");
  await site.pass(10 * minute);
  assert.deepEqual(digitsIn(lock), [stay.pin]);
  await site.book({ ...stay, until: noon + 22 * hour });
  await site.pass(20 * hour);
  assert.deepEqual(digitsIn(lock), [stay.pin], "a stay that goes on is looked after");
  await site.pass(2 * hour);
  assert.deepEqual(digitsIn(lock), []);
  await site.stop();
});

test("a stay that goes on, and whose change the maker refuses, keeps what it has", async () => {
  const site = await CodeSite.start((clock) => [new CodeLock("front", clock, {})]);
  const [lock] = site.locks;
  await site.book(stay);
  await site.pass(10 * minute);
  await site.switchAccount(false);
  lock!.fate = "refused";
  await site.book({ ...stay, until: noon + 22 * hour });
  await site.pass(2 * hour);
  lock!.fate = undefined;
  await site.pass(2 * hour);
  assert.deepEqual(
    lock!.codes.map(({ digits, window }) => [digits, window?.until]),
    [[stay.pin, noon + 22 * hour]],
  );
  assert.equal(lock!.calls.clear, 0);
  await site.stop();
});

test("one that is switched off while a sending is written down takes nobody", async () => {
  const site = await CodeSite.start((clock) => [new CodeLock("front", clock, {})]);
  const [lock] = site.locks;
  lock!.afterCall = (call) => {
    if (call === "list") site.slowDisk(5_000);
  };
  await site.book(stay);
  await site.pass(3_000);
  assert.equal(lock!.calls.list, 1);
  const isOff = site.switchAccount(false);
  await site.pass(5 * minute);
  await isOff;
  site.slowDisk(0);
  await site.pass(10 * minute);
  assert.equal(lock!.calls.set, 0);
  await site.stop();
});
