import { deviceContract } from "../../contract/device.ts";
import { givenRingSite, intercomId } from "../../support/ring-site.ts";
import { until } from "../../support/until.ts";

const noTimer = "its pulse has a length of its own";
const noBeep = "Ring has no command that makes an intercom beep";
const nothingShows = "an intercom does not see the door: nothing shows what its pulse did";
const noBolt = "an intercom has no bolt to report";
const nobodyAtIt = "an intercom hands nothing on that somebody presents";

deviceContract(
  "ring, an intercom",
  async (t) => {
    const { device, intercom, server, clock } = await givenRingSite(t, {
      kind: "intercom",
      device: intercomId,
      pollMs: 5_000,
    });
    return {
      device,
      appear: async () => {
        intercom.findWifi();
        await until("the device is online", () => device.status().link === "online");
      },
      vanish: async () => {
        intercom.loseWifi();
        await until("the driver notices", () => device.status().link === "offline");
      },
      meet: (how) => {
        if (how === "refuse") server.fail({ answer: 400, of: "unlock" });
        if (how === "ignore") server.fail({ answer: "nothing", of: "unlock" });
      },
      press: () => undefined,
      turn: () => undefined,
      commands: () => server.calls.filter(({ kind }) => kind === "unlock").length,
      passDeadline: () => clock.passDeadline(),
    };
  },
  {
    "releases: confirmed by the thing's own report": nothingShows,
    secures: noTimer,
    "holds open: told again before the window is over, it stays released": noTimer,
    "holds open: refused when the thing cannot be reached": noTimer,
    "identifies: the thing says that it did, and nothing moves": noBeep,
    "identifies: refused when the thing cannot be reached": noBeep,
    "reports the bolt when it moves, and what it knows": noBolt,
    "hands on what is presented at the reader": nobodyAtIt,
    "tells nothing to who has unsubscribed": noBolt,
  },
);
