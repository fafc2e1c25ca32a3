/** The driver keeps what every driver promises: on a board by itself, and on a lock behind a gateway. */
import { deviceContract } from "../../contract/device.ts";
import { collect, givenTuyaSite, switchProfile, type TuyaSiteOptions } from "../../support/tuya-site.ts";
import { until } from "../../support/until.ts";

const kinds: Readonly<Record<string, TuyaSiteOptions>> = {
  "tuya 3.3, a board that switches a strike": { version: "3.3", family: "access-control", profile: switchProfile },
  "tuya 3.4, a lock of its own": { version: "3.4" },
  "tuya 3.5, a lock behind a gateway": { version: "3.5", cids: ["a4c138d2f0b1"] },
};

const noLocator = "Tuya locks have no data point that makes them beep";
const noTimer = "a motor lock is secured when told, and keeps no window";

for (const [name, options] of Object.entries(kinds))
  deviceContract(
    name,
    async (t) => {
      const { device, server, lock, clock, appear, vanish } = await givenTuyaSite(t, options);
      return {
        device,
        appear,
        vanish,
        meet: (how) => {
          server.trouble = { isSilent: how === "ignore", refuses: how === "refuse" };
          if (how !== "obey-unmoved") return;
          lock.uncoupleMotor();
          const reports = collect(device);
          const before = server.commands;
          void until("the command is answered", () => server.commands > before)
            // what it tells of a code comes after the answer: once that is read, so is this
            .then(() => lock.useCode("password", 1))
            .then(() => until("the answer was read", () => reports.some(({ type }) => type === "opened-at-lock")))
            .then(() => clock.passDeadline());
        },
        press: () => undefined,
        turn: (bolt) => {
          if (bolt === "jammed") lock.jam();
          lock.turnThumb(bolt === "released" ? "released" : "secured");
        },
        commands: () => server.commands,
        passDeadline: () => clock.passDeadline(),
      };
    },
    {
      "holds open: told again before the window is over, it stays released": noTimer,
      "holds open: refused when the thing cannot be reached": noTimer,
      "identifies: the thing says that it did, and nothing moves": noLocator,
      "identifies: refused when the thing cannot be reached": noLocator,
      "hands on what is presented at the reader": "the lock checks codes by itself and does not hand them on",
    },
  );
