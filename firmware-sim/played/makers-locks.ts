/** A lock of each maker, as the demo's site has them. Adding one is one line here. */
import { systemClock } from "../../gateway/system-clock.ts";
import type { MakersLock, MakersLockOptions } from "../played-lock.ts";
import { brivoDoor } from "./brivo-door.ts";
import { kisiDoor } from "./kisi-door.ts";
import { nukiHub } from "./nuki-hub.ts";
import { nukiLock } from "./nuki-lock.ts";
import { ringLock } from "./ring-lock.ts";
import { shellyStrike } from "./shelly-strike.ts";
import { tuyaLock } from "./tuya-lock.ts";

interface Placed {
  readonly id: string;
  readonly name: string;
  readonly make: (options: MakersLockOptions) => MakersLock;
  /** Its maker's own library goes by the machine's time, wherever the site's is. */
  readonly onMachineTime?: true;
}

const placed: readonly Placed[] = [
  { id: "front-door", name: "Front door", make: nukiLock },
  { id: "shed", name: "Shed", make: nukiHub },
  { id: "studio", name: "Studio", make: brivoDoor },
  { id: "side-door", name: "Side door", make: tuyaLock },
  { id: "gate", name: "Garden gate", make: shellyStrike },
  { id: "office", name: "Office", make: kisiDoor },
  { id: "cellar", name: "Cellar", make: ringLock, onMachineTime: true },
];

export function makersLocks(site: Omit<MakersLockOptions, "id" | "name">): readonly MakersLock[] {
  return placed.map(({ id, name, make, onMachineTime }) =>
    make({ ...site, ...(onMachineTime && { clock: systemClock }), id, name }),
  );
}
