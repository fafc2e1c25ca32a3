import { NukiHubLink } from "../../../firmware-sim/links/nuki-hub.ts";
import { codeStoreContract } from "../../contract/code-store.ts";
import { givenNukiMqttSite } from "../../support/nuki-mqtt-site.ts";

const never = new AbortController().signal;
const timeZone = "Europe/Madrid";

codeStoreContract("nuki-mqtt, through a Nuki Hub that publishes codes", async (t) => {
  const hub = (parts: ConstructorParameters<typeof NukiHubLink>[0]) =>
    new NukiHubLink({ ...parts, settings: { publishesCodes: true } });
  const site = await givenNukiMqttSite(t, { hub: { timeZone } }, hub, { zone: timeZone });
  const { device, lock, link, faults, clock, logged } = site;
  if (!device.codes) throw new Error("it keeps codes");
  await device.start(never);
  await site.appear();
  await site.pass(10_000);
  return {
    store: device.codes,
    now: () => clock.wall(),
    putByHand: (name, digits) => {
      lock.keypad?.add({ name, code: Number(digits), enabled: true, allowed: {} });
    },
    opens: (digits) => lock.keypad?.use(digits) !== undefined,
    settle: () => site.pass(20_000),
    pass: async (ms) => site.leap(ms),
    meet: (how) => {
      faults.rates = { ...faults.rates, noReply: how === "ignore" ? 1 : 0 };
      link.settings.publishesList = how !== "ignore";
      if (how === "offline") link.failBluetooth("failure", Number.POSITIVE_INFINITY);
    },
    changes: () => link.heard.filter(({ topic }) => topic.endsWith("/keypad/actionJson")).length,
    logged,
  };
});
