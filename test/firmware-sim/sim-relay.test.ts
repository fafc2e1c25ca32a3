/** The laws of the simulated relay: its timer ends what a command began, and nothing outlives its power. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { SimRelay } from "../../firmware-sim/sim-relay.ts";
import { SimClock } from "../support/sim-clock.ts";

const givenRelay = () => {
  const clock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock });
  const pass = async (ms: number) => {
    const until = clock.monotonic() + ms;
    while (clock.step(until)) await turn();
    await turn();
  };
  return { clock, relay, pass };
};

test("a pulse ends by itself, once its time is over and not before", async () => {
  const { relay, pass, clock } = givenRelay();
  assert.equal(relay.set(true, 5_000), false);
  assert.deepEqual(relay.timer(), { startedAt: clock.wall(), durationMs: 5_000 });
  await pass(4_999);
  assert.equal(relay.output, true);
  await pass(1);
  assert.equal(relay.output, false);
  assert.equal(relay.timer(), undefined);
});

test("a second pulse within the first begins the time anew", async () => {
  const { relay, pass } = givenRelay();
  relay.set(true, 5_000);
  await pass(4_000);
  assert.equal(relay.set(true, 5_000), true);
  await pass(4_000);
  assert.equal(relay.output, true);
  await pass(1_000);
  assert.equal(relay.output, false);
});

test("switched on without a timer it stays on, and with its own auto-off it does not", async () => {
  const { relay, pass } = givenRelay();
  relay.set(true);
  await pass(86_400_000);
  assert.equal(relay.output, true);
  relay.set(false);
  relay.autoOffMs = 60_000;
  relay.set(true);
  await pass(60_000);
  assert.equal(relay.output, false);
});

test("without power the coil drops, nothing is obeyed, and the timer is not remembered", async () => {
  const { relay, pass } = givenRelay();
  relay.set(true, 5_000);
  relay.cutPower();
  assert.equal(relay.output, false);
  relay.set(true);
  assert.equal(relay.output, false);
  relay.restorePower();
  assert.equal(relay.timer(), undefined);
  relay.set(true);
  await pass(10_000);
  assert.equal(relay.output, true);
});

test("a welded relay stays as it is, whatever is commanded and whether it has power or not", async () => {
  const { relay, pass } = givenRelay();
  relay.set(true, 5_000);
  relay.weld();
  await pass(5_000);
  assert.equal(relay.output, true);
  relay.set(false);
  relay.cutPower();
  assert.equal(relay.output, true);
  relay.restorePower();
  relay.unweld();
  relay.set(false);
  assert.equal(relay.output, false);
});

test("too hot, it switches off and refuses to switch on until it has cooled down", () => {
  const { relay } = givenRelay();
  relay.set(true, 5_000);
  relay.overheat();
  assert.equal(relay.output, false);
  relay.set(true);
  assert.equal(relay.output, false);
  relay.coolDown();
  relay.set(true);
  assert.equal(relay.output, true);
});

test("who watches hears of output, contact and power", () => {
  const { relay } = givenRelay();
  const seen: string[] = [];
  const stop = relay.onChange(() => seen.push(`${relay.output} ${relay.contact} ${relay.powered}`));
  relay.set(true);
  relay.setContact(true);
  relay.setContact(true);
  relay.cutPower();
  stop();
  relay.restorePower();
  assert.deepEqual(seen, ["true false true", "true true true", "false true false"]);
});
