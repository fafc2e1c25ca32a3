/** A strike on a Shelly relay, on the control page: no battery, no keypad, a contact in the door's frame. */
import { Faults } from "../faults.ts";
import { ShellyServer } from "../links/shelly.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimRelay } from "../sim-relay.ts";

/** The second belt that the driver's README asks for: whoever switched it on, it is off after that. */
const autoOffMs = 600_000;

export function shellyStrike({ id, name, clock, secret }: MakersLockOptions): MakersLock {
  const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock });
  relay.autoOffMs = autoOffMs;
  relay.setContact(true);
  const faults = new Faults();
  const password = secret(20);
  const server = new ShellyServer({ relay, clock, faults, password });
  let isWelded = false;
  return {
    ...{ id, name },
    make: { maker: "Shelly", kind: "strike on a relay", driver: "shelly", reach: "lan", hand: "Press its button" },
    view: () => ({
      powered: relay.powered,
      bolt: relay.output ? "released" : "secured",
      door: relay.contact ? "closed" : "open",
      jammed: isWelded,
      line: faults.rates,
    }),
    onChange: (listener) => relay.onChange(listener),
    acts: {
      moveDoor: (open) => {
        if (!open || relay.output) relay.setContact(!open);
      },
      setJam: (on) => {
        isWelded = on;
        if (on) relay.weld();
        else relay.unweld();
      },
      setLine: (rates) => {
        faults.rates = { ...faults.rates, ...rates };
      },
      setPower: (on) => (on ? relay.restorePower() : relay.cutPower()),
      turn: (to) => void relay.set(to === "released"),
    },
    start: async () => ({
      options: { ...(await server.start()), contactInput: 0, pollMs: 1_000 },
      secrets: { password },
    }),
    stop: async () => {
      relay.cutPower();
      await server.stop();
    },
  };
}
