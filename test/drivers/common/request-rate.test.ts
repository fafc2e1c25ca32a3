import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { pauseOf, RequestRate, type TurnKind } from "../../../gateway/drivers/common/request-rate.ts";
import { SimClock } from "../../support/sim-clock.ts";

const never = new AbortController().signal;

/** Those that were let go, each with its time. */
function givenRate(perSecond: number) {
  const clock = new SimClock(0);
  const rate = new RequestRate(clock, perSecond);
  const gone: [string, number][] = [];
  const refused: string[] = [];
  const ask = (name: string, kind: TurnKind, signal = never) =>
    rate.turn(kind, signal).then((late) => (late ? refused.push(late.why) : gone.push([name, clock.monotonic()])));
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    do await nextTurn();
    while (clock.step(end));
    await nextTurn();
  };
  return { clock, rate, gone, refused, ask, pass };
}

const names = (gone: readonly (readonly [string, number])[]) => gone.map(([name]) => name);

test("no more in a second than the maker bears, the last of them kept for a command", async () => {
  const { gone, ask, pass } = givenRate(3);
  for (const name of ["a", "b", "c", "d", "e"]) void ask(name, "other");
  await pass(0);
  assert.deepEqual(names(gone), ["a", "b"]);
  void ask("1", "command");
  await pass(0);
  assert.deepEqual(names(gone), ["a", "b", "1"]);
  void ask("2", "command");
  await pass(1_199);
  assert.equal(gone.length, 3);
  await pass(1);
  assert.deepEqual(names(gone), ["a", "b", "1", "2", "c"]);
  await pass(5_000);
  assert.equal(gone.length, 7);
  for (const [, at] of gone) assert.ok(gone.filter(([, other]) => other >= at && other < at + 1_200).length <= 3);
});

test("one a second is one a second, whoever asks", async () => {
  const { gone, ask, pass } = givenRate(1);
  void ask("a", "other");
  void ask("b", "other");
  void ask("1", "command");
  await pass(2_400);
  assert.deepEqual(gone, [
    ["a", 0],
    ["1", 1_200],
    ["b", 2_400],
  ]);
});

test("who goes away leaves the queue, and during a pause only commands are let go", async () => {
  const { rate, gone, refused, ask, pass } = givenRate(2);
  const abort = new AbortController();
  void ask("a", "other");
  void ask("b", "other", abort.signal);
  await pass(0);
  abort.abort();
  void ask("c", "other", AbortSignal.abort());
  await pass(0);
  rate.pause(10_000);
  void ask("d", "other");
  void ask("1", "command");
  await pass(9_999);
  void ask("e", "other");
  await pass(1);
  void ask("f", "other");
  await pass(0);
  assert.deepEqual(names(gone), ["a", "1", "f"]);
  assert.deepEqual(refused, ["called off", "called off", "429 a moment ago", "429 a moment ago"]);
});

test("more than 256 do not wait", async () => {
  const { refused, ask, pass } = givenRate(1);
  for (let nth = 0; nth < 258; nth += 1) void ask(String(nth), "other");
  await pass(0);
  assert.deepEqual(refused, ["256 requests are waiting"]);
});

for (const [retryAfter, ms] of [
  ["7", 7_000],
  ["0", 1_000],
  [undefined, 60_000],
  ["Wed, 21 Oct 2031 07:28:00 GMT", 60_000],
  ["99999", 60_000],
] as const)
  test(`a 429 that says ${retryAfter} is a pause of ${ms} ms`, () => {
    assert.equal(pauseOf(retryAfter), ms);
  });
