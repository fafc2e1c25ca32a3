/** The demo's flats in real Chromium: from a booking at the simulated Lodgify to a telephone, through a door, and to a checkout that time leaps to. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import { type RunningDemo, startDemo } from "../../cli/demo-site.ts";
import type { StayView } from "../../firmware-sim/booked-stays.ts";
import type { SiteState } from "../../firmware-sim/site-state.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { ControlPage, desktop, phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";
import { until } from "../support/until.ts";

const skip = missing("chromium");
/** A day in steps, while codes get into slow locks. */
const leapMs = 240_000;

let folder: string;
let demo: RunningDemo;
let browser: Awaited<ReturnType<typeof startBrowser>>;
let control: ControlPage;

const open = () => startDemo({ folder, port: 0, version: "test", logger: silentLogger });

before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "postern-demo-stays-"));
  demo = await open();
  browser = await startBrowser();
  control = await ControlPage.open(browser.context, demo.facts().url);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function state(): Promise<SiteState> {
  return (await (await fetch(new URL("/api/state", demo.facts().url))).json()) as SiteState;
}

async function stayOf(guest: string): Promise<StayView> {
  return (await state()).stays!.stays.find((stay) => stay.guest.startsWith(guest))!;
}

/** As the cloud knows it. */
async function grantOf(guest: string): Promise<string> {
  const { url, adminToken, site } = demo.facts().cloud;
  const headers = { authorization: `Bearer ${adminToken}` };
  const query = new URLSearchParams({ site, from: new Date(0).toISOString() });
  const { items } = (await (await fetch(`${url}/api/bookings?${query}`, { headers })).json()) as {
    items: { guest: { name: string }; code: { grant: string } }[];
  };
  return items.find(({ guest: { name } }) => name.startsWith(guest))!.code.grant;
}

/** On the page. */
const stay = (guest: string): Locator => control.page.locator(".stay", { hasText: guest });
const press = (name: string) => control.page.getByRole("button", { name, exact: true }).click();

/** The page that it opens. */
async function follow(link: Locator): Promise<Page> {
  const opened = browser.context.waitForEvent("page");
  await link.click();
  const page = await opened;
  await page.waitForLoadState();
  return page;
}

async function codeOn(page: Page): Promise<string> {
  return (await page.locator(".stay-code").textContent())!.replaceAll(/\D/g, "");
}

async function readLodgify(): Promise<void> {
  const answered = control.page.waitForResponse((response) => response.url().endsWith("/api/stays/read"));
  await press("Postern: read Lodgify now");
  await answered;
  await control.page.locator("#stay-read-words", { hasText: "Read: " }).waitFor();
}

test("the code on a guest's page opens a box and locks of two makers, and the page one that takes no code", {
  skip,
}, async () => {
  await stay("Greta").getByText("The code is ready at all 4 doors.").waitFor();
  const page = await follow(stay("Greta").getByRole("link", { name: "Guest’s page: Greta Gast" }));
  const code = await codeOn(page);

  for (const door of ["Parcel box 1", "Front door", "Side door"]) {
    await control.typePin(door, code);
    await control.bolt(door, "released");
  }

  await page.getByRole("button", { name: "Open Cellar" }).click();
  await control.bolt("Cellar", "released");
  await page.close();
});

test("its guest is told by a text message that leads to that page", { skip }, async () => {
  const message = control.page.locator("#telephone-messages li", { hasText: "Greta" }).first();
  const page = await follow(message.getByRole("link"));
  assert.equal(page.url(), (await stayOf("Greta")).known?.page);
  await page.close();
});

test("one night more is read from Lodgify; called off there, the code is refused and its page says so", {
  skip,
}, async () => {
  const { departure, known } = await stayOf("Greta");
  const page = await browser.context.newPage();
  await page.goto(known!.page!);
  const code = await codeOn(page);

  await press("One night more: Greta Gast");
  await stay("Greta").getByText("News at Lodgify; not read yet.").waitFor();
  await readLodgify();

  const after = await stayOf("Greta");
  assert.ok(after.departure > departure && after.known?.isRead);
  await control.typePin("Parcel box 2", code);
  await control.verdict("Parcel box 2", "Parcel box 2: stays shut, wrong code.");

  await press("Cancel: Greta Gast");
  await stay("Greta").getByText("Cancelled at Lodgify; not read yet.").waitFor();
  await readLodgify();
  const agree = stay("Greta").getByRole("button", { name: "Owner agrees" });
  // Three minutes after the start she is in the house, and her owner is asked.
  if ((await stayOf("Greta")).known?.held) await agree.click();
  await stay("Greta").getByText("Cancelled: its code opens nothing any more.").waitFor();
  await until("box 1 has no such code", async () => {
    await control.typePin("Parcel box 1", code);
    return (await state()).decided.some(({ type, accessPoint }) => type === "denied" && accessPoint === "box-1");
  });
  await page.reload();
  await page.getByText("This stay was called off.").waitFor();
  await page.close();
});

test("so many stays called off at once wait for their owner's word", { skip }, async () => {
  await press("Cancel: Hugo Huésped");
  await press("Cancel: Ines Invitada");
  await until(
    "both are off at Lodgify",
    async () => (await stayOf("Hugo")).isCancelled && (await stayOf("Ines")).isCancelled,
  );
  await readLodgify();
  await press("Owner agrees: Hugo Huésped");
  await stay("Hugo").getByText("Cancelled: its code opens nothing any more.").waitFor();
  await stay("Ines")
    .getByText(/the owner is asked first/)
    .waitFor();
});

test("somebody books for tonight and gets a code, which is refused at every lock once time has leapt to checkout", {
  skip,
}, async () => {
  await press("Somebody books for tonight");
  await stay("Otto").waitFor();
  await readLodgify();
  await stay("Otto").getByText(/ready/).waitFor();
  const page = await follow(stay("Otto").getByRole("link", { name: "Guest’s page: Otto Ospite" }));
  const code = await codeOn(page);
  await control.typePin("Parcel box 1", code);
  await control.bolt("Parcel box 1", "released");
  await control.bolt("Parcel box 1", "secured");

  await press("To the next checkout");
  await control.page.locator("#time-words", { hasText: "There." }).waitFor({ timeout: leapMs });

  const { aheadMs, nextCheckout } = (await state()).time!;
  assert.ok(aheadMs > 0 && nextCheckout?.guest !== "Otto Ospite");
  await stay("Otto").getByText("Checked out: its code opens nothing any more.").waitFor();
  const grant = await grantOf("Otto");
  await until("the makers’ locks were read back without it", async () => {
    const gone = (await state()).decided.filter((event) => event.state === "absent" && event.grant === grant);
    return ["front-door", "side-door"].every((lock) => gone.some(({ device }) => device === lock));
  });
  const newest = (await state()).decided[0]!.seq;
  for (const door of ["Parcel box 1", "Front door", "Side door"]) await control.typePin(door, code);
  await until("all three have refused it", async () => {
    const { decided, locks } = await state();
    const refusedBy = locks.filter(({ lastVerdict }) => lastVerdict?.verdict === "denied").map(({ id }) => id);
    const isDenied = decided.some(
      (event) => event.type === "denied" && event.accessPoint === "box-1" && event.seq > newest,
    );
    return isDenied && ["front-door", "side-door"].every((lock) => refusedBy.includes(lock));
  });
  await page.reload();
  await page.getByText("This stay is over").waitFor();
  await page.close();
});

test("the next time, a stay is what it was, and it is as late as it was", { skip }, async () => {
  const { stays, time } = await state();

  await demo.stop();
  demo = await open();
  await control.page.close();
  control = await ControlPage.open(browser.context, demo.facts().url);

  const facts = (all: readonly StayView[]) => all.map(({ known: _, ...booked }) => booked);
  assert.deepEqual(facts((await state()).stays!.stays), facts(stays!.stays));
  assert.equal((await state()).time?.aheadMs, time!.aheadMs);
  await until("the cloud knows it still", async () => (await stayOf("Otto")).known?.isRead === true);
});

test("the guests fit a phone and a desk", { skip }, async () => {
  for (const size of [phone, desktop]) {
    await control.page.setViewportSize(size);
    await control.page.locator("#stays").scrollIntoViewIfNeeded();
    await control.fitsItsWidth();
  }
  assert.deepEqual(control.complaints, []);
});
