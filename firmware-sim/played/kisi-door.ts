/** A door on a Kisi controller on the control page: opened through its maker's cloud, or from inside by the button beside it. */
import { Faults } from "../faults.ts";
import { KisiServer } from "../links/kisi.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimCloudDoor } from "../sim-cloud-door.ts";
import { cloudDoor, unlockMs } from "./cloud-door.ts";

const lockId = 4_812;

export function kisiDoor({ id, name, clock, internet, secret }: MakersLockOptions): MakersLock {
  const door = new SimCloudDoor({ id: lockId, name, clock, unlockMs });
  const faults = new Faults();
  const apiKey = secret(32);
  const web = new KisiServer({ doors: [door], groups: [], keys: [{ secret: apiKey, rights: "owner" }], clock, faults });
  const { end, ...played } = cloudDoor({ door, clock, faults });
  return {
    ...{ id, name, ...played },
    make: {
      maker: "Kisi",
      kind: "door on a controller",
      driver: "kisi",
      reach: "cloud",
      hand: "Press the exit button",
      noPins: "Kisi opens by its app, cards and links of its own",
    },
    start: async () => {
      const { hostname, port } = new URL((await web.start()).url);
      const url = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      return { options: { lockId, url, pollMs: 5_000 }, secrets: { apiKey } };
    },
    stop: async () => {
      end();
      await web.stop();
    },
  };
}
