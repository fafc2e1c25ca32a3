import { deviceContract } from "../../contract/device.ts";
import { givenBrivoSite } from "../../support/brivo-site.ts";
import { until } from "../../support/until.ts";

const oneWay = "nothing is asked of us: a panel decides about its codes itself, and says so in its events afterwards";
const noBeep = "a panel has no command that makes a door beep";
const noJam = "a panel tells no more than locked and unlocked; that much is in site.test.ts";

deviceContract(
  "brivo",
  async (t) => {
    const { device, door, web, clock, appear } = await givenBrivoSite(t, { options: { override: "POST" } });
    let before = door.strike;
    let pulses = 0;
    door.onChange(() => {
      if (before === "secured" && door.strike === "released") pulses += 1;
      before = door.strike;
    });
    return {
      device,
      appear,
      vanish: async () => {
        door.cutLine();
        await until("the driver notices", () => device.status().link === "offline");
      },
      meet: (how) => {
        const path = /\/activate$/;
        if (how === "refuse") web.refuse(403, { path });
        if (how === "ignore") web.trouble("mute", { path, times: Number.POSITIVE_INFINITY });
        if (how === "obey-unmoved") web.refuse(503, { path: /\/device-status\// });
      },
      press: () => undefined,
      turn: () => {
        door.setMode("held-open");
      },
      commands: () => pulses,
      passDeadline: () => {
        const end = clock.monotonic() + 12_000;
        while (clock.step(end));
      },
    };
  },
  {
    "identifies: the thing says that it did, and nothing moves": noBeep,
    "identifies: refused when the thing cannot be reached": noBeep,
    "reports the bolt when it moves, and what it knows": noJam,
    "hands on what is presented at the reader": oneWay,
  },
);
