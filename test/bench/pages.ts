/** How soon a page of the cloud can be used on a slow phone: Chromium with its processor and its line slowed down, first with nothing loaded before. */
import { phone, startBrowser } from "../support/control-page.ts";
import { find } from "../support/needs.ts";
import { comeAs, pageTour, tourSurroundings } from "../support/page-tour.ts";
import { givenPages } from "../support/page-visitor.ts";
import { servePages } from "../support/served-pages.ts";
import { type Benchmark, median, row } from "./row.ts";

/** A phone of a few years ago on a poor mobile network, as Lighthouse's "slow 4G" has it. */
const slowness = { processor: 4, latencyMs: 150, downBytesPerSecond: 200_000, upBytesPerSecond: 90_000 };
const goalMs = 1_000;
const times = 3;

/** Drawn, and its scripts have run: from then on what is pressed has its effect. */
const usableAt = `Math.max(
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0)`;

export const benchmark: Benchmark = {
  name: "pages",
  async run() {
    const goal = `≤ ${goalMs} ms`;
    if (!find("chromium")) return [row("page usable on a slow phone", Number.NaN, "ms", goal, null)];
    const browser = await startBrowser();
    const site = await givenPages(tourSurroundings);
    const served = await servePages(site.cloud);
    try {
      const page = await browser.context.newPage();
      await page.setViewportSize(phone);
      const newcomer = (await site.cloud.as("agency", ["home"])).browser.cookie ?? "";
      const stops = (await pageTour(site, "en")).filter(({ go }) => go === undefined);
      const line = await browser.context.newCDPSession(page);
      await line.send("Network.enable");
      await line.send("Network.emulateNetworkConditions", {
        offline: false,
        latency: slowness.latencyMs,
        downloadThroughput: slowness.downBytesPerSecond,
        uploadThroughput: slowness.upBytesPerSecond,
      });
      await line.send("Emulation.setCPUThrottlingRate", { rate: slowness.processor });
      const worst = { first: { ms: 0, name: "" }, next: { ms: 0, name: "" } };
      for (const { name, who, path } of stops) {
        await comeAs(page, served.url, site, who, newcomer);
        const taken = { first: [] as number[], next: [] as number[] };
        for (let time = 0; time < times; time += 1) {
          await line.send("Network.clearBrowserCache");
          for (const visit of ["first", "next"] as const) {
            // A link's token is in the fragment: without another page between, nothing would be fetched.
            await page.goto("about:blank");
            await page.goto(served.url + path);
            taken[visit].push(await page.evaluate<number>(usableAt));
          }
        }
        for (const visit of ["first", "next"] as const) {
          const ms = median(taken[visit]);
          if (ms > worst[visit].ms) worst[visit] = { ms, name };
        }
      }
      return Object.entries({ first: "nothing loaded before", next: "styles and scripts kept" }).map(([visit, how]) => {
        const { ms, name } = worst[visit as keyof typeof worst];
        return row(
          `slowest of ${stops.length} pages usable on a slow phone, ${how} (${name})`,
          ms,
          "ms",
          goal,
          ms <= goalMs,
        );
      });
    } finally {
      await browser.stop();
      await served.stop();
      await site.cloud.close();
    }
  },
};
