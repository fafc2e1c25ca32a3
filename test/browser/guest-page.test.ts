/** A visitor's pass in real Chromium: opened once, it is there without a network, and a withdrawn one says so as soon as there is one. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { BrowserContext } from "playwright-core";
import { phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";
import { givenPages } from "../support/page-visitor.ts";
import { servePages } from "../support/served-pages.ts";

const skip = missing("chromium");
let browser: { readonly context: BrowserContext; stop(): Promise<void> };
before(async () => {
  if (!skip) browser = await startBrowser();
});
after(() => browser?.stop());

test("a pass that was opened once is shown without a network, and is not kept beyond its withdrawal", {
  skip,
}, async (t) => {
  const site = await givenPages();
  t.after(() => site.cloud.close());
  const served = await servePages(site.cloud);
  t.after(() => served.stop());
  const { resident } = site.people;
  const order = { visitorName: "Lea", accessPoints: ["box"], validity: "week" };
  const { body: pass } = await resident.ask("POST", "/api/passes", order);
  const { body: link } = await resident.ask("GET", `/api/passes/${pass.id}/link`);
  const address = served.url + new URL(link.url).pathname;
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.setViewportSize(phone);

  await page.goto(address);
  await page.getByText("opens without a network").waitFor();
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText(pass.recordUid).waitFor();
  const hasStyle = "getComputedStyle(document.querySelector('.uid')).fontWeight";
  assert.equal(await page.evaluate<string>(hasStyle), "650");

  await page.context().setOffline(false);
  await resident.ask("DELETE", `/api/passes/${pass.id}`);
  await page.reload();
  await page.getByText("This pass was withdrawn").waitFor();
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText("This pass was withdrawn").waitFor();
  assert.equal(await page.getByText(pass.recordUid).count(), 0);
  await page.context().setOffline(false);
});
