/** A Tuya Wi-Fi lock with a keypad on the control page: reached on the LAN, while its codes come and go through its maker's cloud. */
import { Faults } from "../faults.ts";
import { TuyaServer } from "../links/tuya.ts";
import { TuyaCloudServer } from "../links/tuya-cloud.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { SimTuyaLock } from "../sim-tuya-lock.ts";
import { KeypadDisplay } from "./keypad-display.ts";
import { Listeners } from "./listeners.ts";

const deviceId = "bf0123456789abcdefghij";
const version = "3.4";
/** Longer than the gateway holds it; it shuts by itself when the gateway does not live to. */
const autoLockSeconds = 30;
const clientId = "abcdefghijklmnopqrst";
/** As long as the other locks of a flat take them, so that one code opens them all. */
const passwordDigits = 6;

/** A model with a switch of its own for the bolt; the rest as its family has it. */
const boltSwitch = { command: "104", state: "104", trueIs: "secured" } as const;
const profile = {
  unlock: { by: "write", dp: 104, value: false },
  lock: { dp: 104, value: true },
  relocks: "when-told",
  bolt: { dp: 104, released: false, secured: true },
  battery: { dp: 12 },
  alarm: { dp: 8, pried: ["pry"], jammed: ["tongue_bad", "tongue_not_out"] },
  openings: { 1: "fingerprint", 2: "code", 3: "code", 5: "card", 7: "key" },
  codes: { length: passwordDigits },
};

export function tuyaLock({ id, name, clock, internet, zone, secret }: MakersLockOptions): MakersLock {
  const lock = new SimTuyaLock({ family: "residential", clock, boltSwitch, autoLockSeconds, passwordDigits });
  const faults = new Faults();
  const localKey = secret(16);
  const accessSecret = secret(32);
  const cloud = new TuyaCloudServer({
    locks: { [deviceId]: lock },
    project: { clientId, secret: accessSecret },
    clock,
    faults,
  });
  const server = new TuyaServer({ id: deviceId, key: localKey, version, clock, faults, lock });
  const listeners = new Listeners();
  const display = new KeypadDisplay(clock, listeners.tell);
  let isJammed = false;
  let isOnline = true;
  /** Its radio goes on and off faster than a port opens: one after the other. */
  let turn: Promise<unknown> = Promise.resolve();
  const nameOf = (digits: string) =>
    cloud
      .lock(deviceId)
      .passwords()
      .find((one) => one.digits === digits)?.name ?? "nobody any more";
  const hasPower = () => lock.view().batteryPercent > 0;
  const switchRadio = () => {
    const isReached = isOnline && hasPower();
    if (isReached) cloud.lock(deviceId).restoreLine();
    else cloud.lock(deviceId).cutLine();
    turn = turn.then<unknown>(() => (isReached ? server.start() : server.stop()));
  };
  lock.onReport(listeners.tell);
  return {
    ...{ id, name },
    make: { maker: "Tuya", kind: "Wi-Fi lock with a keypad", driver: "tuya", reach: "lan", hand: "Turn the thumb" },
    view: () => ({
      ...lock.view(),
      powered: hasPower(),
      jammed: isJammed,
      online: isOnline,
      line: faults.rates,
      display: hasPower() ? display.text : "",
      lastVerdict: display.lastVerdict,
      codes: [...lock.passwords.list().values()].map(({ digits, from, until }) => ({
        name: nameOf(digits),
        from: from * 1_000,
        until: until * 1_000,
      })),
    }),
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
      enterPin: (digits) => display.show(lock.enterPassword(digits)),
      turn: (to) => lock.turnThumb(to),
      drainBattery: (toPercent) => {
        lock.drainBattery(toPercent);
        switchRadio();
      },
    },
    start: async () => {
      const { hostname, port } = new URL((await cloud.start()).url);
      const baseUrl = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      return {
        options: {
          ...{ ...(await server.start()), version, deviceId, profile },
          cloud: { baseUrl, clientId, timeZone: zone },
        },
        secrets: { localKey, accessSecret },
      };
    },
    stop: async () => {
      display.end();
      await turn;
      await Promise.all([server.stop(), cloud.stop()]);
    },
  };
}
