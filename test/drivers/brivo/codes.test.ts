import { codeStoreContract } from "../../contract/code-store.ts";
import { givenBrivoSite } from "../../support/brivo-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;
/** What only looks before something is changed is answered, or nothing would be heard at all. */
const allButLooks = /^(?!.*(\/oauth\/|\/external$|\/users\/\d+\/groups$))/;

const ofGroup = "its hours are a schedule of the group, and none of one PIN";

codeStoreContract(
  "brivo",
  async (t) => {
    const site = await givenBrivoSite(t, { options: { pollMs: 3_600_000, codesMax: 8 } });
    const { device, door, web, clock, logged } = site;
    if (!device.codes) throw new Error("it keeps codes");
    await web.start();
    await device.start(never);
    await until("the door is online", () => device.status().link === "online");
    return {
      store: device.codes,
      now: () => clock.wall(),
      putByHand: (firstName, pin) => {
        web.addByHand({ firstName, lastName: "by hand", pin }, 200);
      },
      opens: (digits) => door.enterPin(digits),
      // The panel hears within two seconds, and is given ten.
      settle: () => site.pass(12_000),
      pass: async (ms) => {
        const end = clock.monotonic() + ms;
        while (clock.step(end));
      },
      meet: (how) => {
        web.settle();
        if (how === "ignore") web.trouble("mute", { path: allButLooks, times: Number.POSITIVE_INFINITY });
        if (how === "offline") door.cutLine();
      },
      changes: site.changes,
      logged,
    };
  },
  {
    "keeps weekly hours by itself: listed as they were set, and it opens within them alone": ofGroup,
    "keeps whole days by itself, also in the nights in which clocks are set": ofGroup,
    "takes weekly hours away in place": ofGroup,
  },
);
