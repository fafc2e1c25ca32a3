/** The gateway's own pages, one after the other as a guard reaches them: for their pictures. */
import type { Page } from "playwright-core";
import { aGuardedGate, leasUid } from "./guarded-gate.ts";
import { SimDisk } from "./sim-disk.ts";
import { until } from "./until.ts";

/** Its owner does not let the page use the camera. */
export const noCamera = `
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
`;

export interface GuardStop {
  readonly name: string;
  /** From the guard's page to the one that is meant. */
  readonly go: (page: Page, url: string) => Promise<unknown>;
}

/** A gate with something in its list: a visitor inside, one who was turned away, one without a code. */
export async function aBusyGate() {
  const gate = await aGuardedGate({ entriesAllowed: 3 }, {}, new SimDisk(), { photo: "optional" });
  await gate.enter({ record_uid: leasUid, nonce: "tour-0000-0000-0001" });
  await gate.turnAway({ nonce: "tour-0000-0000-0002", note: "no identity document" });
  await gate.walkIn({ name: "Wim Walker", type: "Delivery", host_name: "Ana Resident", nonce: "tour-0000-0000-0003" });
  return gate;
}

const type = async (page: Page, code: string) => {
  await page.locator("[name=uid]").fill(code);
  await page.locator("[name=uid]").press("Enter");
  await page.locator(".verdict").waitFor();
};

/** The camera of the browser sees a code: what it scans is held back where the scanner itself is meant. */
export const guardTour: readonly GuardStop[] = [
  {
    name: "guard-scan",
    go: async (page, url) => {
      await page.route("**/guard/check", () => undefined);
      await page.goto(`${url}/guard`);
      await page.locator("[data-scanner] video").waitFor();
      await until("the camera sees", () =>
        page.evaluate<boolean>("document.querySelector('[data-scanner] video').videoWidth > 0"),
      );
    },
  },
  {
    name: "guard-may-enter",
    go: async (page, url) => {
      await page.goto(`${url}/guard`);
      await page.locator(".verdict.good").waitFor();
      await page.locator(".photo video").waitFor();
    },
  },
  {
    name: "guard-may-not-enter",
    go: async (page, url) => {
      await page.addInitScript(noCamera);
      await page.goto(`${url}/guard`);
      await type(page, "VIS-00000-AAA");
    },
  },
  { name: "guard-walk-in", go: (page, url) => page.goto(`${url}/guard/walk-in`) },
  { name: "guard-visits", go: (page, url) => page.goto(`${url}/guard/visits?state=all`) },
  { name: "gateway-doors", go: (page, url) => page.goto(`${url}/`) },
  { name: "gateway-trust", go: (page, url) => page.goto(`${url}/trust`) },
];
