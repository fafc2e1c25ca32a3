/** A Nuki with its keypad on the control page: reached through its maker's cloud, while the codes in it open without anybody. */
import { Faults } from "../faults.ts";
import { NukiWebServer } from "../links/nuki-web.ts";
import type { KeypadVerdict, MakersLock, MakersLockOptions } from "../played-lock.ts";
import { nukiState, SimNuki } from "../sim-nuki.ts";
import { Listeners } from "./listeners.ts";

const smartlockId = 17_340_021;
/** No longer than the gateway holds it: it locks itself again, whoever opened. */
const autoLockMs = 8_000;
const displayMs = 3_000;
const idleText = "Enter code";

export function nukiLock({ id, name, clock, internet, secret }: MakersLockOptions): MakersLock {
  const lock = new SimNuki({ id: smartlockId, name, clock, autoLockMs });
  const faults = new Faults();
  const token = secret(40);
  const web = new NukiWebServer({ locks: [lock], token, clock, faults });
  const listeners = new Listeners();
  let isJammed = false;
  let isOnline = true;
  let display = idleText;
  let shown = new AbortController();
  let lastVerdict: KeypadVerdict | null = null;

  const show = (text: string) => {
    shown.abort();
    shown = new AbortController();
    display = text;
    clock.sleep(displayMs, shown.signal).then(
      () => {
        display = idleText;
        listeners.tell();
      },
      () => undefined,
    );
    listeners.tell();
  };
  lock.onChange(listeners.tell);
  return {
    ...{ id, name },
    make: { maker: "Nuki", kind: "smart lock with a keypad", driver: "nuki", reach: "cloud", hand: "Turn the knob" },
    view: () => {
      const { state, batteryCharge } = lock.report();
      return {
        powered: lock.powered,
        bolt: state === nukiState.motorBlocked ? "jammed" : lock.bolt === "back" ? "released" : "secured",
        door: lock.door,
        jammed: isJammed,
        batteryPercent: batteryCharge,
        online: isOnline,
        line: faults.rates,
        display: lock.powered ? display : "",
        lastVerdict,
        codes: (lock.keypad?.codes() ?? []).map((code) => ({
          name: code.name,
          from: code.allowed.fromDate ?? null,
          until: code.allowed.untilDate ?? null,
        })),
      };
    },
    onChange: listeners.add,
    acts: {
      moveDoor: (open) => void (open ? lock.pushDoor() : lock.closeDoor()),
      setJam: (on) => {
        isJammed = on;
        if (on) lock.jam();
        else lock.unjam();
      },
      setLine: (rates) => {
        faults.rates = { ...faults.rates, ...rates };
      },
      setPower: (on) => (on ? lock.restorePower() : lock.cutPower()),
      setOnline: (on) => {
        isOnline = on;
        if (on) web.restoreLine(smartlockId);
        else web.cutLine(smartlockId);
      },
      enterPin: (digits) => {
        const opens = lock.enterCode(digits);
        lastVerdict = { verdict: opens ? "granted" : "denied", at: clock.wall() };
        show(opens ? "Welcome" : "Wrong code");
      },
      turn: (to) => lock.turnKnob(to === "released" ? "unlocked" : "locked"),
      drainBattery: (toPercent) => lock.drainBattery(toPercent),
    },
    start: async () => {
      const { hostname, port } = new URL((await web.start()).url);
      const url = await internet.reach({ targetHost: hostname, targetPort: Number(port) });
      return { options: { smartlockId, url, autoLock: true, pollMs: 5_000, pollBusyMs: 1_000 }, secrets: { token } };
    },
    stop: async () => {
      shown.abort();
      lock.cutPower();
      await web.stop();
    },
  };
}
