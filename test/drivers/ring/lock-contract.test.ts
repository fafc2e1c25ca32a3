import { deviceContract } from "../../contract/device.ts";
import { givenRingSite } from "../../support/ring-site.ts";
import { until } from "../../support/until.ts";

const noTimer = "Ring has no timer that a command could set";
const noBeep = "Ring has no command that makes a lock beep";
const noRefusal = "Ring answers nothing to a command for a lock, be it taken or not";
const oneWay = "nothing is asked of us: the lock decides about its codes itself";

deviceContract(
  "ring, a lock",
  async (t) => {
    const { device, lock, hub, clock, appear } = await givenRingSite(t);
    return {
      device,
      appear,
      vanish: async () => {
        hub.lose();
        await until("the driver notices", () => device.status().link === "offline");
      },
      meet: (how) => {
        if (how === "ignore") hub.loseCommands();
        if (how === "obey-unmoved") lock.jam();
      },
      press: () => undefined,
      turn: (bolt) => {
        if (bolt === "released") return lock.turnThumb("unlocked");
        lock.jam();
        lock.obey("lock");
      },
      commands: () => hub.commands.length,
      passDeadline: () => clock.passDeadline(),
    };
  },
  {
    "releases: refused by the thing": noRefusal,
    "holds open: told again before the window is over, it stays released": noTimer,
    "holds open: refused when the thing cannot be reached": noTimer,
    "identifies: the thing says that it did, and nothing moves": noBeep,
    "identifies: refused when the thing cannot be reached": noBeep,
    "hands on what is presented at the reader": oneWay,
  },
);
