/**
 * `npm run screens`: a picture of every page of the cloud and of the gateway, phone and desktop, English and Spanish, below docs/screens; `npm run screens --
 * codes code` of these alone.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import type { Language } from "../../cloud-sync/pages/words/words.ts";
import { desktop, phone, startBrowser } from "../support/control-page.ts";
import { fakeCamera } from "../support/fake-camera.ts";
import { aBusyGate, guardTour } from "../support/guard-tour.ts";
import { leasUid } from "../support/guarded-gate.ts";
import { comeAs, pageTour, tourSurroundings } from "../support/page-tour.ts";
import { givenPages } from "../support/page-visitor.ts";
import { servePages } from "../support/served-pages.ts";
import { withPalette } from "./palette-png.ts";

const folder = join(import.meta.dirname, "../../docs/screens");
/** A long list says no more than its beginning. */
const heightMax = 1_600;
const languages: readonly Language[] = ["en", "es"];

const wanted = process.argv.slice(2);

await mkdir(folder, { recursive: true });
const camera = await mkdtemp(join(tmpdir(), "postern-camera-"));
const browser = await startBrowser({}, await fakeCamera(join(camera, "camera.y4m"), leasUid));
for (const language of languages) {
  await cloudScreens(language);
  await gatewayScreens(language);
}
await browser.stop();
await rm(camera, { recursive: true, force: true });

async function cloudScreens(language: Language): Promise<void> {
  const site = await givenPages(tourSurroundings);
  const served = await servePages(site.cloud);
  const page = await browser.context.newPage();
  await page.setExtraHTTPHeaders({ "accept-language": language });
  const newcomer = (await site.cloud.as("agency", ["home"], { language })).browser.cookie ?? "";
  for (const { name, who, path, go } of await pageTour(site, language))
    for (const [sizeName, size] of sizesOf(name)) {
      await page.setViewportSize(size);
      await comeAs(page, served.url, site, who, newcomer);
      await page.goto(served.url + path);
      await go?.(page);
      await take(page, size, `${name}-${sizeName}-${language}`);
    }
  await page.close();
  await served.stop();
  await site.cloud.close();
}

async function gatewayScreens(language: Language): Promise<void> {
  const gate = await aBusyGate();
  const served = await servePages(gate);
  const [name = "", value = ""] = gate.cookie.split("=");
  for (const stop of guardTour)
    for (const [sizeName, size] of sizesOf(stop.name)) {
      const page = await browser.context.newPage();
      await page.setExtraHTTPHeaders({ "accept-language": language });
      await page.context().clearCookies();
      await page.context().addCookies([{ name, value, url: served.url }]);
      await page.setViewportSize(size);
      await stop.go(page, served.url);
      await take(page, size, `${stop.name}-${sizeName}-${language}`);
      await page.close();
    }
  await served.stop();
}

/** None for a page that is not wanted. */
function sizesOf(name: string) {
  return wanted.length > 0 && !wanted.includes(name) ? [] : Object.entries({ phone, desktop });
}

async function take(page: Page, { width }: { readonly width: number }, name: string): Promise<void> {
  const height = Math.min(await page.evaluate<number>("document.documentElement.scrollHeight"), heightMax);
  const picture = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } });
  await writeFile(join(folder, `${name}.png`), withPalette(picture));
}
