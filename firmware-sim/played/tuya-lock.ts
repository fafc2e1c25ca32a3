/** A Tuya Wi-Fi lock on the control page: reached on the LAN, without its maker's cloud. Its codes are its app's business. */
import { Faults } from "../faults.ts";
import { TuyaServer } from "../links/tuya.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimTuyaLock } from "../sim-tuya-lock.ts";
import { Listeners } from "./listeners.ts";

const deviceId = "bf0123456789abcdefghij";
const version = "3.4";
/** Longer than the gateway holds it; it shuts by itself when the gateway does not live to. */
const autoLockSeconds = 30;

/** A model with a switch of its own for the bolt; the rest as its family has it. */
const boltSwitch = { command: "104", state: "104", trueIs: "secured" } as const;
const profile = {
  unlock: { by: "write", dp: 104, value: false },
  lock: { dp: 104, value: true },
  relocks: "when-told",
  bolt: { dp: 104, released: false, secured: true },
  battery: { dp: 12 },
  alarm: { dp: 8, pried: ["pry"], jammed: ["tongue_bad", "tongue_not_out"] },
  openings: { 1: "fingerprint", 2: "code", 5: "card", 7: "key" },
};

export function tuyaLock({ id, name, clock, secret }: MakersLockOptions): MakersLock {
  const lock = new SimTuyaLock({ family: "residential", clock, boltSwitch, autoLockSeconds });
  const faults = new Faults();
  const localKey = secret(16);
  const server = new TuyaServer({ id: deviceId, key: localKey, version, clock, faults, lock });
  const listeners = new Listeners();
  let isJammed = false;
  let isOnline = true;
  /** Its radio goes on and off faster than a port opens: one after the other. */
  let turn: Promise<unknown> = Promise.resolve();
  const hasPower = () => lock.view().batteryPercent > 0;
  const switchRadio = () => {
    turn = turn.then<unknown>(() => (isOnline && hasPower() ? server.start() : server.stop()));
  };
  lock.onReport(listeners.tell);
  return {
    ...{ id, name },
    make: { maker: "Tuya", kind: "Wi-Fi lock", driver: "tuya", reach: "lan", hand: "Turn the thumb" },
    view: () => ({ ...lock.view(), powered: hasPower(), jammed: isJammed, online: isOnline, line: faults.rates }),
    onChange: listeners.add,
    acts: {
      moveDoor: (open) => (open ? void lock.pushDoor() : lock.closeDoor()),
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
        switchRadio();
      },
      turn: (to) => lock.turnThumb(to),
      drainBattery: (toPercent) => {
        lock.drainBattery(toPercent);
        switchRadio();
      },
    },
    start: async () => ({
      options: { ...(await server.start()), version, deviceId, profile },
      secrets: { localKey },
    }),
    stop: async () => {
      await turn;
      await server.stop();
    },
  };
}
