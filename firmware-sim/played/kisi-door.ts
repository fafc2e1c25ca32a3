/** A door on a Kisi controller on the control page: opened through its maker's cloud, or from inside by the button beside it. */
import { Faults } from "../faults.ts";
import { KisiServer } from "../links/kisi.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimCloudDoor } from "../sim-cloud-door.ts";

const lockId = 4_812;

export function kisiDoor({ id, name, clock, internet, secret }: MakersLockOptions): MakersLock {
  const door = new SimCloudDoor({ id: lockId, name, clock, unlockMs: 10_000 });
  const faults = new Faults();
  const apiKey = secret(32);
  const web = new KisiServer({ doors: [door], groups: [], keys: [{ secret: apiKey, rights: "owner" }], clock, faults });
  let isOnline = true;
  return {
    ...{ id, name },
    make: {
      maker: "Kisi",
      kind: "door on a controller",
      driver: "kisi",
      reach: "cloud",
      hand: "Press the exit button",
    },
    view: () => ({
      powered: door.powered,
      bolt: door.strike,
      door: door.leaf,
      online: isOnline,
      line: faults.rates,
    }),
    onChange: (listener) => door.onChange(listener),
    acts: {
      moveDoor: (open) => (open ? void door.pushLeaf() : door.closeLeaf()),
      setLine: (rates) => {
        faults.rates = { ...faults.rates, ...rates };
      },
      setPower: (on) => (on ? door.restorePower() : door.cutPower()),
      setOnline: (on) => {
        isOnline = on;
        if (on) door.restoreLine();
        else door.cutLine();
      },
      turn: (to) => {
        if (to === "released") door.pressExit();
      },
    },
    start: async () => {
      const { hostname, port } = new URL((await web.start()).url);
      const url = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      return { options: { lockId, url, pollMs: 5_000 }, secrets: { apiKey } };
    },
    stop: async () => {
      door.cutPower();
      await web.stop();
    },
  };
}
