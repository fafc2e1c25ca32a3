import { NukiHubLink } from "../../../firmware-sim/links/nuki-hub.ts";
import { NukiMqttLink } from "../../../firmware-sim/links/nuki-mqtt.ts";
import { nukiAction } from "../../../firmware-sim/sim-nuki.ts";
import { deviceContract } from "../../contract/device.ts";
import { givenNukiMqttSite } from "../../support/nuki-mqtt-site.ts";

const noTimer = "a Nuki has no timer that a command could set";
const noBeep = "a Nuki has no command that makes it beep";
const oneWay = "nothing is asked of us: a Nuki decides about its codes itself, and says so afterwards";
const cannot = {
  "holds open: told again before the window is over, it stays released": noTimer,
  "holds open: refused when the thing cannot be reached": noTimer,
  "identifies: the thing says that it did, and nothing moves": noBeep,
  "identifies: refused when the thing cannot be reached": noBeep,
  "hands on what is presented at the reader": oneWay,
};

deviceContract(
  "nuki-mqtt, the lock itself",
  async (t) => {
    const site = await givenNukiMqttSite(t, { id: "1A2B3C4D" }, (parts) => new NukiMqttLink(parts));
    const { device, lock, link, faults } = site;
    return {
      device,
      appear: site.appear,
      vanish: site.vanish,
      meet: (how) => {
        if (how === "refuse") lock.loseCalibration();
        if (how === "ignore") faults.rates = { ...faults.rates, noReply: 1 };
        if (how === "obey-unmoved") lock.jam();
      },
      press: () => undefined,
      turn: (bolt) => {
        if (bolt === "released") return lock.turnKnob("unlocked");
        lock.jam();
        lock.obey(nukiAction.lock, "someone's telephone");
      },
      commands: () => link.heard.length,
      passDeadline: () => site.leap(26_000),
    };
  },
  cannot,
);

deviceContract(
  "nuki-mqtt, through a Nuki Hub",
  async (t) => {
    const site = await givenNukiMqttSite(t, { hub: { timeZone: "Europe/Madrid" } }, (parts) => new NukiHubLink(parts));
    const { device, lock, link, faults } = site;
    return {
      device,
      appear: async () => {
        await site.appear();
        await site.pass(10_000); // before that it hears no commands
      },
      vanish: site.vanish,
      meet: (how) => {
        if (how === "refuse") link.settings.actions = [];
        if (how === "ignore") faults.rates = { ...faults.rates, noReply: 1 };
        if (how === "obey-unmoved") lock.jam();
      },
      press: () => undefined,
      turn: (bolt) => {
        if (bolt === "released") return lock.turnKnob("unlocked");
        lock.jam();
        lock.obey(nukiAction.lock, "someone's telephone");
      },
      commands: () => link.heard.filter(({ topic }) => topic.endsWith("/lock/action")).length,
      passDeadline: () => site.leap(26_000),
    };
  },
  cannot,
);
