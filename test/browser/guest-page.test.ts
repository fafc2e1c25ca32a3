/** A visitor's pass in real Chromium: opened once, it is there without a network, and a withdrawn one says so as soon as there is one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { BrowserContext } from "playwright-core";
import { keepQuestion, readQuestion, tokenOf } from "../../cloud-sync/store/host-questions.ts";
import { phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";
import { givenPages } from "../support/page-visitor.ts";
import { servePages } from "../support/served-pages.ts";
import { until } from "../support/until.ts";

const skip = missing("chromium");
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
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

test("a stay that was opened once shows its code without a network, on a small phone in both languages, and axe finds nothing", {
  skip,
}, async (t) => {
  const site = await givenPages();
  t.after(() => site.cloud.close());
  const served = await servePages(site.cloud);
  t.after(() => served.stop());
  const { owner } = site.people;
  const guide = { address: "Harbour Lane 12", notes: { en: "x".repeat(200) } };
  const order = { name: "Flat", accessPoints: ["box", "front-door"], guide };
  const { body: property } = await owner.ask("POST", "/api/properties", order);
  const moment = (ms: number) => new Date(Date.now() + ms).toISOString();
  const time = { from: moment(-3_600_000), until: moment(48 * 3_600_000) };
  const stay = { property: property.id, guest: { name: "Greta" }, ...time };
  const { body: booking } = await owner.ask("POST", "/api/bookings", stay);
  const { body: code } = await owner.ask("POST", `/api/bookings/${booking.id}/reveal`);
  const { body: link } = await owner.ask("POST", `/api/bookings/${booking.id}/link`, {});
  const address = served.url + new URL(link.url).pathname;
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.setViewportSize({ width: 360, height: 640 });
  for (const [language, house, kept] of [
    ["en", "About the house", "opens without a network"],
    ["es", "Sobre la casa", "se abre sin conexión"],
  ] as const) {
    await page.setExtraHTTPHeaders({ "accept-language": language });
    await page.goto(address);
    await page.getByText(house).waitFor();
    await page.getByText(kept).waitFor();
    await page.locator("summary").first().click();
    await page.evaluate(axe);
    const found = await page.evaluate<string[]>("axe.run().then(({ violations }) => violations.map(({ id }) => id))");
    assert.deepEqual([found, await page.evaluate("document.documentElement.scrollWidth")], [[], 360], language);
  }
  await page.context().setOffline(true);
  await page.reload();
  await page.getByText(code.code).waitFor();
  await page.goto(`${address}?press=${"x".repeat(22)}`);
  await page.getByText(code.code).waitFor();
  await page.context().setOffline(false);
  await owner.ask("PATCH", `/api/bookings/${booking.id}`, { status: "cancelled" });
  await page.reload();
  await page.getByText(/was called off|se anuló/).waitFor();
  await page.context().setOffline(true);
  await page.reload();
  assert.equal(await page.getByText(code.code).count(), 0);
  await page.context().setOffline(false);
});

test("a host answers a guard's question on a small phone, in both languages: axe finds nothing, nothing lies beside the screen", {
  skip,
}, async (t) => {
  const { cloud, people } = await givenPages();
  t.after(() => cloud.close());
  const served = await servePages(cloud);
  t.after(() => served.stop());
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.setViewportSize({ width: 360, height: 640 });
  const seal = await cloud.parts.siteKeys.seal(cloud.store.db, "home");
  const look = async (said: string) => {
    await page.getByText(said).waitFor();
    await page.evaluate(axe);
    const found = await page.evaluate<string[]>("axe.run().then(({ violations }) => violations.map(({ id }) => id))");
    assert.deepEqual([found, await page.evaluate("document.documentElement.scrollWidth")], [[], 360], said);
  };
  for (const [language, answer, open, told] of [
    ["en", "approve", "May this visitor come in?", "The gate is being told."],
    ["es", "deny", "¿Puede entrar esta visita?", "Se está avisando a la entrada."],
  ] as const) {
    const now = cloud.parts.clock.wall();
    const [gateway] = (await cloud.ask("GET", "/api/sites/home/gateways")).body.items;
    const place = { siteId: "home", gatewayId: gateway.id, id: `question-of-the-${language}-page` };
    const facts = { hostId: people.resident.id, staffId: people.guard.id, accessPoint: "front-door" };
    const visitor = { visitorName: "Tom Plumber", visitorType: "Service", askedAt: now, expiresAt: now + 120_000 };
    await cloud.store.transaction((tx) => keepQuestion(tx, { ...place, ...facts, ...visitor }, seal));
    const row = await readQuestion(cloud.store.db, place);
    await page.setExtraHTTPHeaders({ "accept-language": language });
    await page.goto(`${served.url}/a/${tokenOf(row!, seal)?.reveal()}`);
    await look(open);
    await page.locator(`button[value=${answer}]`).click();
    await look(told);
  }
});

test("the signed code is shown while it is good, and the short one once it is over; a network brings a newer one", {
  skip,
}, async (t) => {
  const site = await givenPages();
  t.after(() => site.cloud.close());
  const served = await servePages(site.cloud);
  t.after(() => served.stop());
  const { resident } = site.people;
  await site.cloud.ask("PATCH", "/api/sites/home", { signedPasses: "on" });
  const order = { visitorName: "Lea", accessPoints: ["box"], validity: "custom" };
  const soon = new Date(Date.now() + 30 * 24 * 3_600_000).toISOString();
  const { body: pass } = await resident.ask("POST", "/api/passes", { ...order, until: soon });
  const { body: link } = await resident.ask("GET", `/api/passes/${pass.id}/link`);
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.clock.install({ time: Date.now() });
  await page.goto(served.url + new URL(link.url).pathname);
  await page.getByText("even where it has no internet").waitFor();
  assert.equal(await page.locator("#short-code[open]").count(), 0);

  await page.getByText("opens without a network").waitFor();
  await page.context().setOffline(true);
  await page.clock.fastForward(25 * 3_600_000);
  await page.locator("#short-code[open]").waitFor();
  assert.equal(await page.locator("[data-signed-until]").isVisible(), false);

  const loads: string[] = [];
  page.on("load", () => loads.push("load"));
  await page.context().setOffline(false);
  await until("it has asked anew", () => loads.length > 0);
});
