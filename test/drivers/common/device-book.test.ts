/** What is told, once, and again when it was not taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeviceBook } from "../../../gateway/drivers/common/device-book.ts";
import type { DeviceReport } from "../../../gateway/ports/device.ts";
import { silentLogger } from "../../../gateway/ports/logger.ts";
import { SimClock } from "../../support/sim-clock.ts";

function givenBook() {
  const clock = new SimClock(Date.UTC(2027, 0, 1));
  const book = new DeviceBook({ clock, logger: silentLogger });
  const reports: DeviceReport[] = [];
  let refuses = false;
  const unsubscribe = book.subscribe(async (report) => {
    if (refuses) throw new Error("the disk is full");
    reports.push(report);
  });
  const refuse = (on: boolean) => {
    refuses = on;
  };
  return { clock, book, reports, refuse, unsubscribe };
}

test("each fact is told when it is new, in order, presence first", async () => {
  const { book, reports } = givenBook();
  assert.equal(await book.come({ bolt: "secured", battery: 80, firmware: "1.2", tamper: false }), true);
  await book.come({ bolt: "secured", battery: 79 });
  await book.note({ tamper: true });
  await book.note({ tamper: false });
  await book.gone();
  await book.gone();
  assert.deepEqual(reports, [
    { type: "presence", state: "online", firmware: "1.2" },
    { type: "bolt", state: "secured" },
    { type: "battery", percent: 80 },
    { type: "battery", percent: 79 },
    { type: "tamper", active: true },
    { type: "tamper", active: false },
    { type: "presence", state: "offline" },
  ]);
});

test("one that was never there is no news; its status says so all the same", async () => {
  const { book, reports } = givenBook();
  assert.equal(book.status().link, "unknown");
  await book.gone();
  assert.equal(book.status().link, "offline");
  assert.deepEqual(reports, []);
});

test("what was not taken is told again at the next word, and what was is not", async () => {
  const { book, reports, refuse } = givenBook();
  await book.come({ bolt: "secured" });
  refuse(true);
  assert.equal(await book.note({ bolt: "released", door: "open" }), false);
  assert.equal(await book.tell({ type: "opened-at-lock", by: "key" }), false);
  refuse(false);
  assert.equal(await book.note({ door: "closed" }), true);
  assert.deepEqual(reports.slice(2), [
    { type: "bolt", state: "released" },
    { type: "door", state: "closed" },
  ]);
});

test("that it is gone, and that nobody meddles with it any more, is told again as well", async () => {
  const { book, reports, refuse } = givenBook();
  await book.come({ tamper: true });
  refuse(true);
  assert.equal(await book.note({ tamper: false }), false);
  assert.equal(await book.gone(), false);
  refuse(false);
  assert.equal(await book.note({}), true);
  await book.note({});
  assert.deepEqual(reports.slice(2), [
    { type: "presence", state: "offline" },
    { type: "tamper", active: false },
  ]);
});

test("an older word that is refused late takes nothing back from a newer one that was taken", async () => {
  const { book, unsubscribe } = givenBook();
  unsubscribe();
  const answers: PromiseWithResolvers<void>[] = [];
  book.subscribe(() => {
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  });
  const older = book.note({ bolt: "released" });
  const newer = book.note({ bolt: "secured" });
  assert.equal(book.untaken, 2);
  answers[1]!.resolve();
  answers[0]!.reject(new Error("the disk is full"));
  assert.deepEqual([await older, await newer], [false, true]);
  await book.note({});
  assert.equal(answers.length, 2, "it stands as it was told last");
  assert.equal(book.untaken, 0);
});

test("a bolt that is forgotten is unknown, told by nobody, and told when it is known otherwise", async () => {
  const { book, reports } = givenBook();
  await book.come({ bolt: "secured" });
  book.forgetBolt();
  assert.deepEqual(book.lockState(), { bolt: "unknown", basis: "assumed" });
  await book.note({ bolt: "secured" });
  await book.note({ bolt: "released" });
  assert.deepEqual(reports.slice(1), [
    { type: "bolt", state: "secured" },
    { type: "bolt", state: "released" },
  ]);
});

test("a start begins with nothing known, and tells it all anew", async () => {
  const { book, clock, reports } = givenBook();
  await book.come({ bolt: "secured", door: "closed" });
  await book.gone();
  clock.step(clock.monotonic() + 1_000);
  book.begin();
  assert.deepEqual(book.status(), { link: "unknown", since: clock.wall() });
  await book.come({ bolt: "secured" });
  assert.equal(reports.filter(({ type }) => type === "bolt").length, 2);
});
