/** One of our lockboxes on the control page. */
import type { Faults } from "../faults.ts";
import type { LockboxLink } from "../links/mqtt-lockbox.ts";
import type { PlayedLock } from "../played-lock.ts";
import type { SimLockbox } from "../sim-lockbox.ts";

export interface LockboxParts {
  readonly name: string;
  readonly box: SimLockbox;
  /** Of its line. */
  readonly faults: Faults;
  readonly link: LockboxLink;
}

export function playedLockbox({ name, box, faults, link }: LockboxParts): PlayedLock {
  return {
    id: box.id,
    name,
    view: () => ({ ...box.view(), connected: link.connected, line: faults.rates }),
    onChange(listener) {
      const ends = [box.onChange(listener), link.onChange(listener)];
      return () => {
        for (const end of ends) end();
      };
    },
    acts: {
      moveDoor: (open) => (open ? void box.pushDoor() : box.closeDoor()),
      setJam: (on) => (on ? box.jam() : box.unjam()),
      setLine: (rates) => {
        faults.rates = { ...faults.rates, ...rates };
      },
      setPower: (on) => (on ? box.restorePower() : box.cutPower()),
      enterPin: (digits) => box.enterPin(digits),
      setTamper: (active) => (active ? box.pryOpen() : box.mend()),
      drainBattery: (toPercent) => box.drainBattery(toPercent),
    },
  };
}
