/** A door that a Shelly relay holds, with a keypad beside it: decided and written down as any other, and shut by the relay's own timer. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import { ShellyServer } from "../../firmware-sim/links/shelly.ts";
import { SimRelay } from "../../firmware-sim/sim-relay.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const password = "whole-site-relay-password";
const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock });
const server = new ShellyServer({ relay, clock, faults: new Faults(), password });

let site: WholeSite;
before(async () => {
  const options = { ...(await server.start()), pollMs: 500 };
  site = await WholeSite.start({
    boxes: ["gate"],
    lockOf: { gate: { id: "gate-relay", driver: "shelly", options, secrets: { password } } },
    holdMs: 1_000,
  });
  await isOnline();
});
after(async () => {
  await site.stop();
  await server.stop();
});

test("when a PIN is entered, then it is written down, the relay releases, and its own timer ends that", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);

  const pulsesMs: (number | undefined)[] = [];
  const unwatch = relay.onChange(() => relay.output && pulsesMs.push(relay.timer()?.durationMs));

  assert.equal(await site.box("gate").enterPin(grant.pin), "granted");

  unwatch();
  assert.deepEqual([pulsesMs, site.box("gate").bolt], [[1_000], "secured"]);
  await until("the strike is back", () => !relay.output);
  await until("the journal has both, in this order", async () => {
    const events = await site.journalEvents();
    const admitted = events.findIndex((event) => event.type === "admitted" && event.grant === grant.id);
    return (
      admitted >= 0 && events.slice(admitted).some((event) => event.type === "released" && event.result === "confirmed")
    );
  });
});

test("given a relay without power and a grant for one entry, then the entry is given back, and is good when the power is", async () => {
  const grant = await site.grant({ entries: 1 });
  await site.arrives(grant.version);
  relay.cutPower();

  await site.box("gate").enterPin(grant.pin);
  await until("the entry is given back", async () =>
    (await site.journalEvents()).some((event) => event.type === "void" && event.grant === grant.id),
  );
  assert.equal(relay.output, false);

  relay.restorePower();
  await server.start(); // it answers again
  assert.equal(await site.box("gate").enterPin(grant.pin), "granted");
  await until("the strike is back", () => !relay.output);
  assert.equal(await site.box("gate").enterPin(grant.pin), "denied");
});

test("given that it is released, when the gateway goes, then it shuts all the same, and the next one has nothing to tell it", async () => {
  const grant = await site.grant();
  await site.arrives(grant.version);
  assert.equal(await site.box("gate").enterPin(grant.pin), "granted");
  const told = server.commands;

  await site.gateway.stop();
  await until("it is shut", () => !relay.output);

  await site.startGateway();
  await isOnline();
  assert.deepEqual([relay.output, server.commands], [false, told]);
});

function isOnline(): Promise<void> {
  return until(
    "the relay is online",
    () => site.gateway.site.parts.devices.get("gate-relay")?.status().link === "online",
  );
}
