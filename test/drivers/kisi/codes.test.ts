import { codeStoreContract } from "../../contract/code-store.ts";
import { givenKisiSite } from "../../support/kisi-site.ts";
import { until } from "../../support/until.ts";

const never = new AbortController().signal;

const noHours = "its hours are those of the group, and none of one role";

codeStoreContract(
  "kisi",
  async (t) => {
    const site = await givenKisiSite(t, { options: { groupId: 77, pollMs: 3_600_000, codesMax: 8 } });
    const { device, door, web, clock, logged } = site;
    if (!device.codes) throw new Error("it keeps accounts");
    await web.start();
    await device.start(never);
    await until("the door is online", () => device.status().link === "online");
    return {
      store: device.codes,
      accounts: {
        nth: (nth) => `member.${nth}@hub.example`,
        wrong: ["", "ada", "ada@", "@hub.example", "a da@hub.example", "ada@hub\n.example", `${"a".repeat(250)}@b.cd`],
      },
      now: () => clock.wall(),
      putByHand: (_, email) => {
        web.giveByHand(email, 77);
      },
      opens: (email) => door.usePhone(web.userId(email) ?? 0),
      // The controller hears within two seconds.
      settle: () => site.pass(12_000),
      pass: async (ms) => {
        const end = clock.monotonic() + ms;
        while (clock.step(end));
      },
      meet: (how) => {
        web.settle();
        if (how === "ignore") web.trouble("mute", { path: /\/role_assignments/, times: Number.POSITIVE_INFINITY });
        if (how === "offline") door.cutLine();
      },
      changes: () =>
        web.calls.filter(({ method, path }) => method !== "GET" && path.startsWith("/role_assignments")).length,
      logged,
    };
  },
  {
    "changes a code in place: the ref stays, the old digits open no more":
      "a role stays the same member's; that its window moves is in members.test.ts",
    "refuses digits that stand there already, and nothing has changed":
      "one member may have several roles in a group, each with a window of its own",
    "keeps weekly hours by itself: listed as they were set, and it opens within them alone": noHours,
    "keeps whole days by itself, also in the nights in which clocks are set": noHours,
    "takes weekly hours away in place": noHours,
  },
);
