/** The cloud's pages in real Chromium: an agency's first code from the first administrator on, and what must hold of every page. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { makeFirstAdminLink } from "../../cloud-sync/people/links.ts";
import { totpCode } from "../../cloud-sync/people/totp.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, type TestCloud, TestGateway } from "../support/cloud.ts";
import { desktop, phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";
import { comeAs, pageTour, tourSurroundings } from "../support/page-tour.ts";
import { givenPages, nukiDoor } from "../support/page-visitor.ts";
import { servePages } from "../support/served-pages.ts";

const skip = missing("chromium");
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const narrow = { width: 360, height: 800 };

let browser: { readonly context: BrowserContext; stop(): Promise<void> };
before(async () => {
  if (!skip) browser = await startBrowser();
});
after(() => browser?.stop());

const send = (page: Page) => page.locator("main form.sheet[action] button[type=submit]").last().click();

for (const [name, size] of Object.entries({ phone, desktop }))
  test(`on a ${name}: first administrator, an agency, its code for a Nuki, on the lock, used, deleted; another sees nothing`, {
    skip,
  }, async (t) => {
    const cloud = await givenCloud();
    t.after(() => cloud.close());
    const served = await servePages(cloud);
    t.after(() => served.stop());
    const page = await browser.context.newPage();
    t.after(() => page.close());
    await page.context().clearCookies();
    await page.setViewportSize(size);
    const at = (path: string) => `${served.url}${path}`;

    const link = await makeFirstAdminLink(cloud.store, served.url, systemClock.wall());
    await page.goto(link!.reveal());
    await page.getByLabel("Your name").fill("Ada Keeper");
    await page.getByLabel("User name").fill("ada");
    await page.getByLabel("Password").fill("harbour lane twelve");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("The account is made.").waitFor();
    assert.ok(!page.url().includes("#"), "the token is no longer in the address");

    await signIn(page, "ada", "harbour lane twelve");
    await page.getByText("Your role needs a second step").waitFor();
    await page.getByRole("link", { name: "Set up an authenticator app" }).click();
    await page.getByLabel("Present password").fill("harbour lane twelve");
    await send(page);
    const secret = new SecretString((await page.locator("main p code").textContent())!);
    await page.getByLabel("Code the app shows").fill(totpCode(secret, systemClock.wall()));
    await send(page);
    await page.getByRole("link", { name: "I have kept them" }).click();

    await page.getByRole("heading", { name: "Set up" }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("Harbour Lane 12");
    await page.getByLabel("Short name").fill("home");
    await page.getByLabel("Time zone").fill("Europe/Madrid");
    await send(page);
    await page.getByLabel("Name of the gateway").fill("Gate");
    await send(page);
    const code = await page.locator("output").textContent();
    await page.getByRole("link", { name: "Next step" }).click();
    await page.getByText("waits to be enrolled").waitFor();
    const gateway = new TestGateway(cloud.app, systemClock);
    assert.equal((await gateway.enrol(code!)).status, 200);
    await gateway.report([nukiDoor]);
    await page.getByText("Everything is ready.").waitFor();

    await page.goto(at("/agencies/new"));
    await page.getByLabel("Name", { exact: true }).fill("Lisa Agent");
    await page.getByLabel("User name").fill("lisa");
    await send(page);
    const invitation = await page.locator("output").textContent();
    await page.goto(at("/agencies/new"));
    await page.getByLabel("Name", { exact: true }).fill("Otto Other");
    await page.getByLabel("User name").fill("otto");
    await send(page);
    const otherInvitation = await page.locator("output").textContent();
    await signOut(page);

    await choosePassword(page, invitation!, "a cleaner at six");
    await signIn(page, "lisa", "a cleaner at six");
    await page.getByText("No codes yet").waitFor();
    await page.getByRole("link", { name: "Make a code" }).click();
    await page.getByLabel("For whom or what").fill("Cleaner, flat 4");
    await page.getByText("6 digits").waitFor();
    await page.getByLabel("Code", { exact: false }).first().pressSequentially("123450");
    await page.getByText("This code does not fit these locks.").waitFor();
    await send(page);
    await page.locator("#code-fault").waitFor();
    await page.locator("#code").fill("");
    await send(page);
    const digits = await page.locator("output").textContent();
    assert.match(digits!, /^[1-9]{6}$/);
    await page.getByRole("link", { name: "At the doors" }).click();
    await page.getByText("waiting:").waitFor();

    await confirmInLock(cloud, gateway);
    await page.getByText("on the lock").waitFor();
    await openAtLock(cloud, gateway);
    await page.locator("dt:has-text('Last used') + dd time").waitFor();
    await page.getByRole("link", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Yes, delete it" }).click();
    await page.getByText("The code is deleted.").waitFor();
    await signOut(page);

    await choosePassword(page, otherInvitation!, "somebody else at nine");
    await signIn(page, "otto", "somebody else at nine");
    await page.getByText("No codes yet").waitFor();
    await signOut(page);

    await signIn(page, "ada", "harbour lane twelve");
    // The app's code of this half minute may be used up: that of the next one is taken as well.
    await page.getByLabel("Code from your authenticator app").fill(totpCode(secret, systemClock.wall() + 30_000));
    await send(page);
    await page.getByRole("heading", { name: "Temporary codes" }).waitFor();
    await page.goto(at("/audit"));
    for (const action of ["codes.create", "codes.revoke"])
      assert.equal(
        await page.getByRole("row").filter({ hasText: action }).filter({ hasText: "Lisa Agent" }).count(),
        1,
      );
  });

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel("E-mail or user name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function signOut(page: Page): Promise<void> {
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) await menu.click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByText("You are signed out.").waitFor();
}

async function choosePassword(page: Page, link: string, password: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Password").fill(password);
  await send(page);
  await page.getByText("Your password is set.").waitFor();
}

/** What a gateway reports of the only code: it was put into the Nuki and read back. */
async function confirmInLock(cloud: TestCloud, gateway: TestGateway): Promise<void> {
  await gateway.catchUp();
  await gateway.poll();
  const facts = { ...(await onlyCode(cloud)), index: "x", window: null };
  gateway.record(
    { type: "code-sent", change: "set", ...facts },
    { type: "code-read", change: "set", state: "present", ref: "31", ...facts },
  );
  assert.equal((await gateway.push(gateway.lines.length - 1)).body.outcome, "taken");
}

async function openAtLock(cloud: TestCloud, gateway: TestGateway): Promise<void> {
  gateway.record({ type: "opened-at-lock", by: "code", code: "31", ...(await onlyCode(cloud)) });
  assert.equal((await gateway.push(gateway.lines.length)).body.outcome, "taken");
}

async function onlyCode(cloud: TestCloud) {
  const { body } = await cloud.ask("GET", "/api/sites/home/grants");
  const [{ id, credentials }] = body.items;
  return { device: "nuki", grant: id, credential: credentials[0].id };
}

test("a passkey is added in the account and signs in by itself", { skip }, async (t) => {
  const site = await givenPages();
  t.after(() => site.cloud.close());
  const served = await servePages(site.cloud);
  t.after(() => served.stop());
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.context().clearCookies();
  const authenticator = await page.context().newCDPSession(page);
  await authenticator.send("WebAuthn.enable");
  await authenticator.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
    },
  });
  const { agency, admin } = site.people;
  const { body: link } = await admin.ask("POST", `/api/people/${agency.id}/reset-link`);
  const token = new URL(link.url).hash.slice(1);
  await site.cloud.ask("POST", "/auth/link/password", { token, password: "a cleaner at six" });
  // A passkey belongs to a name; an address has none.
  const at = (path: string) => `${served.url.replace("127.0.0.1", "localhost")}${path}`;

  await page.goto(at("/sign-in?next=/account"));
  await signIn(page, agency.userName, "a cleaner at six");
  await page.getByLabel("Name of the passkey").fill("Phone");
  await page.locator("#passkey-password").fill("a cleaner at six");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("The passkey is kept.").waitFor();
  await page.getByRole("rowheader", { name: "Phone" }).waitFor();

  await signOut(page);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("heading", { name: "Temporary codes" }).waitFor();
  await page.goto(at("/account"));
  await page.getByRole("link", { name: "Remove", exact: true }).click();
  await page.getByLabel("Present password").fill("a cleaner at six");
  await send(page);
  await page.getByText("No passkey yet.").waitFor();
});

/** One tour by day in English on a desktop, one by night in Spanish on a narrow phone. */
for (const { language, size, colorScheme } of [
  { language: "en", size: desktop, colorScheme: "light" },
  { language: "es", size: narrow, colorScheme: "dark" },
] as const)
  test(`every page in ${language}, ${size.width} px wide, ${colorScheme}: axe finds nothing, nothing lies beside the screen, the browser complains of nothing`, {
    skip,
  }, async (t) => {
    const site = await givenPages(tourSurroundings);
    t.after(() => site.cloud.close());
    const served = await servePages(site.cloud);
    t.after(() => served.stop());
    const page = await browser.context.newPage();
    t.after(() => page.close());
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await page.setExtraHTTPHeaders({ "accept-language": language });
    const newcomer = (await site.cloud.as("agency", ["home"], { language })).browser.cookie;
    const found: string[] = [];
    let stop = "";
    page.on("console", (message) => {
      // That a form came back, or a page is not there, is no fault of the page.
      const isExpected = /status of (401|404|422)/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !isExpected) found.push(`${stop}: ${message.text()}`);
    });
    for (const { name, who, path, go } of await pageTour(site, language)) {
      stop = name;
      await comeAs(page, served.url, site, who, newcomer!);
      await page.goto(served.url + path);
      await go?.(page);
      await page.evaluate(axe);
      const violations = await page.evaluate<string[]>(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))",
      );
      const [lang, width] = [
        await page.evaluate<string>("document.documentElement.lang"),
        await page.evaluate<number>("document.documentElement.scrollWidth"),
      ];
      found.push(...violations.map((one) => `${name}: ${one}`));
      if (lang !== language) found.push(`${name}: language ${lang}`);
      if (width !== size.width) found.push(`${name}: ${width} px wide`);
    }
    assert.deepEqual(found, []);
  });
