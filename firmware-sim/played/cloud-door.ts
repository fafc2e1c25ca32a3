/** A door on an access controller as a person sees it and acts on it, whichever maker's cloud manages it. */
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Faults } from "../faults.ts";
import type { PlayedLock } from "../played-lock.ts";
import type { SimCloudDoor } from "../sim-cloud-door.ts";
import { KeypadDisplay } from "./keypad-display.ts";
import { Listeners } from "./listeners.ts";

export interface CloudDoorParts {
  readonly door: SimCloudDoor;
  readonly clock: Clock;
  /** Of the line between the gateway and the maker's cloud. */
  readonly faults: Faults;
  /** Whose PIN it is, by the person's number in the cloud. Absent: there is no keypad at the door. */
  readonly nameOf?: (holder: number) => string;
}

export interface CloudDoor extends Pick<PlayedLock, "view" | "onChange" | "acts"> {
  /** Its power is gone for good. */
  end(): void;
}

/** As long as the gateway believes that it holds it. */
export const unlockMs = 10_000;

export function cloudDoor({ door, clock, faults, nameOf }: CloudDoorParts): CloudDoor {
  const listeners = new Listeners();
  const display = new KeypadDisplay(clock, listeners.tell);
  let isOnline = true;
  door.onChange(listeners.tell);
  return {
    view: () => ({
      powered: door.powered,
      bolt: door.strike,
      door: door.leaf,
      online: isOnline,
      line: faults.rates,
      ...(nameOf && {
        display: door.powered ? display.text : "",
        lastVerdict: display.lastVerdict,
        codes: door.rights().map(({ holder, from = null, until = null }) => ({ name: nameOf(holder), from, until })),
      }),
    }),
    onChange: listeners.add,
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
      ...(nameOf && { enterPin: (digits) => display.show(door.enterPin(digits)) }),
    },
    end: () => {
      display.end();
      door.cutPower();
    },
  };
}
