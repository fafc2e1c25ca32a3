/**
 * `npm run screens`: a picture of every page of the cloud, phone and desktop, English and Spanish, below docs/screens; `npm run screens --
 * codes code` of these alone.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Language } from "../../cloud-sync/pages/words/words.ts";
import { desktop, phone, startBrowser } from "../support/control-page.ts";
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
const browser = await startBrowser();
for (const language of languages) {
  const site = await givenPages(tourSurroundings);
  const served = await servePages(site.cloud);
  const page = await browser.context.newPage();
  await page.setExtraHTTPHeaders({ "accept-language": language });
  const newcomer = (await site.cloud.as("agency", ["home"], { language })).browser.cookie ?? "";
  for (const { name, who, path, go } of await pageTour(site, language))
    for (const [sizeName, size] of Object.entries({ phone, desktop })) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      await page.setViewportSize(size);
      await comeAs(page, served.url, site, who, newcomer);
      await page.goto(served.url + path);
      await go?.(page);
      const height = Math.min(await page.evaluate<number>("document.documentElement.scrollHeight"), heightMax);
      const picture = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width: size.width, height } });
      await writeFile(join(folder, `${name}-${sizeName}-${language}.png`), withPalette(picture));
    }
  await page.close();
  await served.stop();
  await site.cloud.close();
}
await browser.stop();
