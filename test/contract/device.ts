/**
 * What every driver promises, whatever its maker. A driver's test builds a rig around it: the device and someone who plays the thing
 * on the wall. A case that a maker's device cannot meet stands in the list by its name, with the reason.
 */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { BoltState } from "../../gateway/domain/access-point.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import { until } from "../support/until.ts";

export interface DeviceRig {
  readonly device: Device;
  /** The thing comes up, talks, and can be commanded when this resolves. */
  appear(): Promise<void>;
  /** The thing's line breaks; resolves when the driver must have noticed. */
  vanish(): Promise<void>;
  /** How the thing meets the next commands. */
  meet(how: "obey" | "refuse" | "ignore" | "obey-unmoved"): void;
  press(pin: string): void;
  /** Someone turns the bolt by hand. */
  turn(bolt: BoltState): void;
  /** Commands that have reached the thing. */
  commands(): number;
  /** Lets the driver's own deadlines pass. */
  passDeadline(): void;
}

export const deviceCases = [
  "starts and stops more than once",
  "is unknown after a start, until the thing speaks",
  "becomes online, and offline when the thing is gone, and says so",
  "releases: confirmed by the thing's own report",
  "releases: accepted when the report does not show it",
  "releases: refused by the thing",
  "releases: refused when the thing cannot be reached, and it never hears of it",
  "releases: unknown when no answer comes, and not tried again",
  "releases: settles when the signal fires",
  "releases: nothing is sent when the signal has fired before",
  "secures",
  "holds open: told again before the window is over, it stays released",
  "holds open: refused when the thing cannot be reached",
  "identifies: the thing says that it did, and nothing moves",
  "identifies: refused when the thing cannot be reached",
  "stop settles what is under way",
  "reports the bolt when it moves, and what it knows",
  "hands on what is presented at the reader",
  "tells nothing to who has unsubscribed",
] as const;
export type DeviceCase = (typeof deviceCases)[number];

export function deviceContract(
  name: string,
  build: (t: TestContext) => Promise<DeviceRig>,
  cannot: Partial<Record<DeviceCase, string>> = {},
): void {
  const never = new AbortController().signal;
  const collect = (device: Device) => {
    const reports: DeviceReport[] = [];
    device.subscribe(async (report) => {
      reports.push(report);
    });
    return reports;
  };
  const commanded = (rig: DeviceRig, count: number) =>
    until(`${count} commands arrive`, () => rig.commands() === count);

  const cases: Record<DeviceCase, (rig: DeviceRig) => Promise<void>> = {
    "starts and stops more than once": async ({ device }) => {
      await device.stop();
      await device.start(never);
      await device.start(never);
      await device.stop();
      await device.stop();
      await device.start(never);
      assert.equal(device.status().link, "unknown");
    },

    "is unknown after a start, until the thing speaks": async (rig) => {
      const { device } = rig;
      await device.start(never);
      assert.equal(device.status().link, "unknown");
      assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });

      await rig.appear();
      assert.equal(device.status().link, "online");
      await device.stop();
      await device.start(never);
      assert.equal(device.status().link, "unknown");
    },

    "becomes online, and offline when the thing is gone, and says so": async (rig) => {
      const reports = collect(rig.device);
      await rig.device.start(never);
      await rig.appear();
      await rig.vanish();

      assert.equal(rig.device.status().link, "offline");
      const presence = reports.filter(({ type }) => type === "presence");
      assert.deepEqual(
        presence.map((report) => "state" in report && report.state),
        ["online", "offline"],
      );
    },

    "releases: confirmed by the thing's own report": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      assert.equal(await rig.device.lock?.release(5_000, never), "confirmed");
      assert.deepEqual(rig.device.lock?.state(), { bolt: "released", basis: "reported" });
    },

    "releases: accepted when the report does not show it": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      rig.meet("obey-unmoved");
      assert.equal(await rig.device.lock?.release(5_000, never), "accepted");
    },

    "releases: refused by the thing": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      rig.meet("refuse");
      assert.equal(await rig.device.lock?.release(5_000, never), "refused");
    },

    "releases: refused when the thing cannot be reached, and it never hears of it": async (rig) => {
      await rig.device.start(never);
      assert.equal(await rig.device.lock?.release(5_000, never), "refused");
      await rig.appear();
      await rig.vanish();
      assert.equal(await rig.device.lock?.release(5_000, never), "refused");
      await rig.appear();
      assert.equal(rig.commands(), 0);
    },

    "releases: unknown when no answer comes, and not tried again": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      rig.meet("ignore");
      const result = rig.device.lock?.release(5_000, never);
      await commanded(rig, 1);
      rig.passDeadline();
      assert.equal(await result, "unknown");
      rig.passDeadline();
      assert.equal(rig.commands(), 1);
    },

    "releases: settles when the signal fires": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      rig.meet("ignore");
      const abort = new AbortController();
      const result = rig.device.lock?.release(5_000, abort.signal);
      await commanded(rig, 1);
      abort.abort();
      assert.equal(await result, "unknown");
    },

    "releases: nothing is sent when the signal has fired before": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      assert.equal(await rig.device.lock?.release(5_000, AbortSignal.abort()), "refused");
      assert.equal(rig.commands(), 0);
    },

    secures: async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      await rig.device.lock?.release(5_000, never);
      assert.equal(await rig.device.lock?.secure(never), "confirmed");
      assert.deepEqual(rig.device.lock?.state(), { bolt: "secured", basis: "reported" });
    },

    "holds open: told again before the window is over, it stays released": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      const bolts: BoltState[] = [];
      rig.device.subscribe(async (report) => {
        if (report.type === "bolt") bolts.push(report.state);
      });
      assert.equal(await rig.device.lock?.hold?.(5_000, never), "confirmed");
      assert.equal(await rig.device.lock?.hold?.(5_000, never), "confirmed");
      assert.deepEqual(bolts, ["released"]);
      assert.equal(await rig.device.lock?.secure(never), "confirmed");
    },

    "holds open: refused when the thing cannot be reached": async (rig) => {
      await rig.device.start(never);
      assert.equal(await rig.device.lock?.hold?.(5_000, never), "refused");
      await rig.appear();
      assert.equal(rig.commands(), 0);
    },

    "identifies: the thing says that it did, and nothing moves": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      const before = rig.device.lock?.state();
      assert.match((await rig.device.locator?.identify(never)) ?? "no locator", /^(accepted|confirmed)$/);
      assert.equal(rig.commands(), 1);
      assert.deepEqual(rig.device.lock?.state(), before);
    },

    "identifies: refused when the thing cannot be reached": async (rig) => {
      await rig.device.start(never);
      assert.equal(await rig.device.locator?.identify(never), "refused");
      await rig.appear();
      assert.equal(rig.commands(), 0);
    },

    "stop settles what is under way": async (rig) => {
      await rig.device.start(never);
      await rig.appear();
      rig.meet("ignore");
      const result = rig.device.lock?.release(5_000, never);
      await commanded(rig, 1);
      await rig.device.stop();
      assert.equal(await result, "unknown");
      assert.equal(await rig.device.lock?.release(5_000, never), "refused");
    },

    "reports the bolt when it moves, and what it knows": async (rig) => {
      const reports = collect(rig.device);
      await rig.device.start(never);
      await rig.appear();
      const bolts = () => reports.flatMap((report) => (report.type === "bolt" ? [report.state] : []));
      rig.turn("released");
      await until("the bolt is reported released", () => bolts().at(-1) === "released");
      rig.turn("jammed");
      await until("the bolt is reported jammed", () => bolts().at(-1) === "jammed");
      assert.equal(rig.device.lock?.state().bolt, "jammed");
      assert.deepEqual(new Set(bolts()).size, bolts().length);
    },

    "hands on what is presented at the reader": async (rig) => {
      const reports = collect(rig.device);
      await rig.device.start(never);
      await rig.appear();
      rig.press("4711");
      const presented = () => reports.find((report) => report.type === "credential-presented");
      await until("the press is reported", () => presented() !== undefined);
      const report = presented();
      assert.ok(report?.type === "credential-presented");
      assert.equal(report.kind, "pin");
      assert.equal(report.value.reveal(), "4711");
      assert.ok(!JSON.stringify(reports).includes("4711"));
    },

    "tells nothing to who has unsubscribed": async (rig) => {
      const reports: DeviceReport[] = [];
      const unsubscribe = rig.device.subscribe(async (report) => {
        reports.push(report);
      });
      const others = collect(rig.device);
      await rig.device.start(never);
      unsubscribe();
      await rig.appear();
      rig.turn("released");
      await until("the others hear of the bolt", () => others.some(({ type }) => type === "bolt"));
      assert.deepEqual(reports, []);
    },
  };

  describe(`device: ${name}`, () => {
    for (const what of deviceCases) {
      const reason = cannot[what];
      if (reason !== undefined) {
        // Not a skip: nobody forgot it, and no other machine could run it.
        test(`${what} (not possible: ${reason})`, () => undefined);
        continue;
      }
      test(what, async (t) => {
        const rig = await build(t);
        t.after(() => rig.device.stop());
        await cases[what](rig);
      });
    }
  });
}
