import { deviceContract } from "../../contract/device.ts";
import { givenKisiSite } from "../../support/kisi-site.ts";
import { until } from "../../support/until.ts";

const oneWay =
  "nothing is asked of us: a controller decides about cards and telephones itself, and says so in its log afterwards";
const noHold = "Kisi has no command that holds a door open for a time";
const noBeep = "Kisi has no command that makes a door beep";
const noJam = "Kisi tells no more than unlocked and not; that much is in site.test.ts";

deviceContract(
  "kisi",
  async (t) => {
    const { device, door, web, clock, appear } = await givenKisiSite(t);
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
        const path = /\/unlock$/;
        if (how === "refuse") door.setMode("locked-down");
        if (how === "ignore") web.trouble("mute", { path, times: Number.POSITIVE_INFINITY });
        if (how === "obey-unmoved") web.refuse(503, { path: /\/locks\/100$/ });
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
    "holds open: told again before the window is over, it stays released": noHold,
    "holds open: refused when the thing cannot be reached": noHold,
    "identifies: the thing says that it did, and nothing moves": noBeep,
    "identifies: refused when the thing cannot be reached": noBeep,
    "reports the bolt when it moves, and what it knows": noJam,
    "hands on what is presented at the reader": oneWay,
  },
);
