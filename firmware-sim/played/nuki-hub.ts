/** A Nuki beside a Nuki Hub on the control page: reached through the gateway's own broker, and its codes kept without any cloud. */
import { silentLogger } from "../../gateway/ports/logger.ts";
import { Faults } from "../faults.ts";
import { NukiHubLink } from "../links/nuki-hub.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimNuki } from "../sim-nuki.ts";
import { autoLockMs, nukiDoor } from "./nuki-door.ts";

const smartlockId = 17_340_022;

export function nukiHub({ id, name, clock, broker, zone, secret }: MakersLockOptions): MakersLock {
  const lock = new SimNuki({ id: smartlockId, name, clock, zone, autoLockMs });
  const faults = new Faults();
  const password = secret(20);
  const login = { username: id, password };
  const hub = new NukiHubLink({ lock, broker, login, faults, clock, logger: silentLogger });
  /** Its switch goes on and off faster than a connection ends: one after the other. */
  let turn: Promise<unknown> = Promise.resolve();
  const setOnline = (on: boolean) => {
    turn = turn.then(() => (on ? hub.start() : hub.stop()));
  };
  const { end, ...door } = nukiDoor({ lock, clock, faults, setOnline });
  return {
    ...{ id, name, ...door },
    make: {
      maker: "Nuki",
      kind: "smart lock with a keypad, beside it a Nuki Hub",
      driver: "nuki-mqtt",
      reach: "lan",
      hand: "Turn the knob",
    },
    start: async () => {
      hub.start();
      return { options: { hub: { timeZone: lock.zone }, autoLock: true }, secrets: { password } };
    },
    stop: async () => {
      end();
      await turn;
      await hub.stop();
    },
  };
}
