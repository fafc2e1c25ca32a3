/** A lock on a Ring Alarm on the control page: reached through its maker's cloud, where no PIN can be put into it. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Faults } from "../faults.ts";
import { RingServer } from "../links/ring.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimRingLock } from "../sim-ring-lock.ts";
import { Listeners } from "./listeners.ts";

const zid = "1a2b3c4d-0000-4000-8000-000000000000";
const place = "c0ffee00-0000-4000-8000-000000000000";
const redirect = new URL("../links/ring-redirect.ts", import.meta.url).href;

export function ringLock({ id, name, clock, internet, folder, secret }: MakersLockOptions): MakersLock {
  const lock = new SimRingLock({ zid, name, clock });
  const faults = new Faults();
  const refreshToken = secret(40);
  const web = new RingServer({
    places: [{ id: place, name, hub: { uuid: "hub-1", locks: [lock] } }],
    ...{ refreshToken, clock, faults },
  });
  const listeners = new Listeners();
  let leaf: "open" | "closed" = "closed";
  let isJammed = false;
  let isOnline = true;
  lock.onChange(listeners.tell);
  return {
    ...{ id, name },
    make: {
      maker: "Ring",
      kind: "lock on an alarm’s hub",
      driver: "ring",
      reach: "cloud",
      hand: "Turn the thumb",
      noPins: "Ring’s own app alone puts codes into it",
    },
    view: () => {
      const { locked, batteryLevel, tamperStatus } = lock.report();
      return {
        powered: batteryLevel > 0,
        bolt: locked === "jammed" ? "jammed" : lock.bolt === "back" ? "released" : "secured",
        door: leaf,
        jammed: isJammed,
        tamper: tamperStatus === "tamper",
        batteryPercent: batteryLevel,
        online: isOnline,
        line: faults.rates,
      };
    },
    onChange: listeners.add,
    acts: {
      moveDoor: (open) => {
        if (lock.bolt === "back") leaf = open ? "open" : "closed";
      },
      setJam: (on) => {
        isJammed = on;
        if (on) lock.jam();
        else lock.unjam();
      },
      setLine: (rates) => {
        faults.rates = { ...faults.rates, ...rates };
      },
      setOnline: (on) => {
        isOnline = on;
        if (on) web.hub(place).comeBack();
        else web.hub(place).lose();
      },
      turn: (to) => lock.turnThumb(to === "released" ? "unlocked" : "locked"),
      setTamper: (active) => (active ? lock.openCover() : lock.closeCover()),
      drainBattery: (toPercent) => lock.drainBattery(toPercent),
    },
    start: async () => {
      const { url, ca } = await web.start();
      const { hostname, port } = new URL(url);
      const { host } = new URL(await internet.reach({ targetHost: hostname, targetPort: Number(port) }));
      web.announce(host);
      const authority = join(folder, `${id}-authority.pem`);
      await writeFile(authority, ca, { mode: 0o600 });
      return {
        options: { kind: "lock", device: zid },
        secrets: { refreshToken },
        env: {
          POSTERN_RING_ENV_POSTERN_RING_SIM_URL: `https://${host}`,
          POSTERN_RING_ENV_NODE_OPTIONS: `--import ${redirect}`,
          POSTERN_RING_ENV_NODE_EXTRA_CA_CERTS: authority,
        },
      };
    },
    stop: async () => {
      lock.drainBattery(0);
      await web.stop();
    },
  };
}
