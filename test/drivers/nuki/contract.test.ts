import { nukiAction } from "../../../firmware-sim/sim-nuki.ts";
import { deviceContract } from "../../contract/device.ts";
import { givenNukiSite } from "../../support/nuki-site.ts";
import { until } from "../../support/until.ts";

const oneWay = "nothing is asked of us: a Nuki decides about its codes itself, and says so in its log afterwards";
const noTimer = "a Nuki has no timer that a command could set";
const noBeep = "a Nuki has no command that makes it beep";

deviceContract(
  "nuki",
  async (t) => {
    const { device, lock, web, faults, clock, appear } = await givenNukiSite(t);
    return {
      device,
      appear,
      vanish: async () => {
        web.cutLine(lock.id);
        await until("the driver notices", () => device.status().link === "offline");
      },
      meet: (how) => {
        if (how === "refuse") web.refuse(423);
        if (how === "ignore") faults.silence = "changes";
        if (how === "obey-unmoved") lock.jam();
      },
      press: () => undefined,
      turn: (bolt) => {
        if (bolt === "released") return lock.turnKnob("unlocked");
        lock.jam();
        lock.obey(nukiAction.lock, "someone's telephone");
      },
      commands: () => web.actions,
      passDeadline: () => {
        const end = clock.monotonic() + 10_000;
        while (clock.step(end));
      },
    };
  },
  {
    "holds open: told again before the window is over, it stays released": noTimer,
    "holds open: refused when the thing cannot be reached": noTimer,
    "identifies: the thing says that it did, and nothing moves": noBeep,
    "identifies: refused when the thing cannot be reached": noBeep,
    "hands on what is presented at the reader": oneWay,
  },
);
