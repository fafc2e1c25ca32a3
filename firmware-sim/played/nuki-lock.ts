/** A Nuki with its keypad on the control page: reached through its maker's cloud, while the codes in it open without anybody. */
import { Faults } from "../faults.ts";
import { NukiWebServer } from "../links/nuki-web.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimNuki } from "../sim-nuki.ts";
import { autoLockMs, nukiDoor } from "./nuki-door.ts";

const smartlockId = 17_340_021;

export function nukiLock({ id, name, clock, internet, zone, secret }: MakersLockOptions): MakersLock {
  const lock = new SimNuki({ id: smartlockId, name, clock, zone, autoLockMs });
  const faults = new Faults();
  const token = secret(40);
  const web = new NukiWebServer({ locks: [lock], token, clock, faults });
  const setOnline = (on: boolean) => (on ? web.restoreLine(smartlockId) : web.cutLine(smartlockId));
  const { end, ...door } = nukiDoor({ lock, clock, faults, setOnline });
  return {
    ...{ id, name, ...door },
    make: { maker: "Nuki", kind: "smart lock with a keypad", driver: "nuki", reach: "cloud", hand: "Turn the knob" },
    start: async () => {
      const { hostname, port } = new URL((await web.start()).url);
      const url = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      return {
        options: { smartlockId, url, timeZone: zone, autoLock: true, pollMs: 5_000, pollBusyMs: 1_000 },
        secrets: { token },
      };
    },
    stop: async () => {
      end();
      await web.stop();
    },
  };
}
