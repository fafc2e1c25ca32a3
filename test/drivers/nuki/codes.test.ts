import { codeStoreContract } from "../../contract/code-store.ts";
import { givenNukiSite } from "../../support/nuki-site.ts";

const timeZone = "Europe/Madrid";
const never = new AbortController().signal;

codeStoreContract("nuki", async (t) => {
  const site = await givenNukiSite(t, { options: { pollMs: 3_600_000, timeZone }, lock: { zone: timeZone } });
  const { device, lock, web, faults, clock, logged } = site;
  if (!device.codes) throw new Error("it keeps codes");
  await device.start(never);
  await site.appear();
  return {
    store: device.codes,
    now: () => clock.wall(),
    putByHand: (name, digits) => {
      lock.keypad?.add({ name, code: Number(digits), enabled: true, allowed: {} });
      web.refreshList(lock.id);
    },
    opens: (digits) => lock.keypad?.use(digits) !== undefined,
    settle: () => site.pass(5_000),
    pass: async (ms) => {
      const end = clock.monotonic() + ms;
      while (clock.step(end));
    },
    meet: (how) => {
      faults.silence = how === "ignore" ? "all" : "none";
      if (how === "offline") web.cutLine(lock.id);
    },
    changes: site.changes,
    logged,
  };
});
