/** A Nuki with its keypad as a person sees it and acts on it, whatever it talks through. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { PlayedLock } from "../played-lock.ts";
import { nukiState, type SimNuki } from "../sim-nuki.ts";
import type { NukiAllowed } from "../sim-nuki-keypad.ts";
import { KeypadDisplay } from "./keypad-display.ts";
import { Listeners } from "./listeners.ts";

export interface NukiDoorParts {
  readonly lock: SimNuki;
  readonly clock: Clock;
  /** Of its line. */
  readonly faults: Faults;
  readonly setOnline: (on: boolean) => void;
}

export interface NukiDoor extends Pick<PlayedLock, "view" | "onChange" | "acts"> {
  /** Its batteries are taken out for good. */
  end(): void;
}

/** No longer than the gateway holds it: it locks itself again, whoever opened. */
export const autoLockMs = 8_000;

export function nukiDoor({ lock, clock, faults, setOnline }: NukiDoorParts): NukiDoor {
  const listeners = new Listeners();
  const display = new KeypadDisplay(clock, listeners.tell);
  let isJammed = false;
  let isOnline = true;
  lock.onChange(listeners.tell);
  return {
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
        display: lock.powered ? display.text : "",
        lastVerdict: display.lastVerdict,
        codes: (lock.keypad?.codes() ?? []).map((code) => ({
          name: code.name,
          from: code.allowed.fromDate ?? null,
          until: code.allowed.untilDate ?? null,
          ...hoursOf(code.allowed),
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
        setOnline(on);
      },
      enterPin: (digits) => display.show(lock.enterCode(digits)),
      turn: (to) => lock.turnKnob(to === "released" ? "unlocked" : "locked"),
      drainBattery: (toPercent) => lock.drainBattery(toPercent),
    },
    end: () => {
      display.end();
      lock.cutPower();
    },
  };
}

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** By the clock on its wall. */
function hoursOf({ weekDays = 0, fromTime = 0, untilTime = 0 }: NukiAllowed): { readonly hours?: string } {
  const on = days.filter((_, index) => (weekDays & (64 >> index)) !== 0);
  const words = [
    on.length % days.length === 0 ? [] : on.join(", "),
    fromTime === untilTime ? [] : `${timeOf(fromTime)} to ${timeOf(untilTime)}`,
  ].flat();
  return words.length === 0 ? {} : { hours: words.join(" ") };
}

function timeOf(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");
}
