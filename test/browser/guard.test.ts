/** The guard's page in real Chromium, with a camera that sees a visitor's QR code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { startBrowser } from "../support/control-page.ts";
import { fakeCamera } from "../support/fake-camera.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { missing } from "../support/needs.ts";
import { servePages } from "../support/served-pages.ts";
import { rosasPassword } from "../support/staffed-gate.ts";
import { until } from "../support/until.ts";

const skip = missing("chromium");
const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const small = { width: 360, height: 640 };

let folder: string;
let browser: Awaited<ReturnType<typeof startBrowser>>;
before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "postern-camera-"));
  browser = await startBrowser({ viewport: small }, await fakeCamera(join(folder, "camera.y4m"), leasUid));
});
after(async () => {
  await browser?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("signs in, the camera reads the code, the verdict sounds, a press lets in and the gate moves", {
  skip,
}, async (t) => {
  const { page, heard, complaints, tones } = await aGuard(t, { entriesAllowed: 3 });
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.getByText("Lea Visitor").waitFor();
  assert.deepEqual(heard, []);
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  await page.getByText("The gate is open.").waitFor();
  assert.equal(heard.length, 1);
  assert.deepEqual(await tones(), ["sine 880", "sine 1320", "sine 880", "sine 1320"]);
  assert.deepEqual(complaints, []);
});

test("Back after a check shows the scanner, and sends nothing once more", { skip }, async (t) => {
  const { page, complaints, events } = await aGuard(t, { entriesAllowed: 0 }, { camera: false });
  await type(page, leasUid);
  await page.getByRole("heading", { name: "May not come in" }).waitFor();
  await page.goBack();
  await page.getByLabel("Visitor's code").waitFor();
  await page.goForward();
  await page.getByRole("heading", { name: "May not come in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "May not come in" }).waitFor();
  assert.equal((await events("denied")).length, 1);
  assert.deepEqual(complaints, []);
});

test("a scanner that types is heard on every page, and its Enter presses no button", { skip }, async (t) => {
  const { page, heard, tones } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await page.getByLabel("Visitor's code").focus();
  await page.keyboard.type("vis1O482kqx\n");
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.getByRole("button", { name: "Let in and open the gate" }).focus();
  await page.keyboard.type("VIS-00000-AAA\n");
  await page.getByRole("heading", { name: "May not come in" }).waitFor();
  assert.deepEqual(heard, []);
  assert.deepEqual(await tones(), ["sine 880", "sine 1320", "sawtooth 170", "sawtooth 140"]);
});

test("an answer that is lost is asked for again by itself, under the same number: one entry, one opening", {
  skip,
}, async (t) => {
  const { page, heard, events } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  let sent = 0;
  let isLineCut = true;
  await page.route("**/guard/enter", async (route) => {
    sent += 1;
    if (!isLineCut) return route.continue();
    if (sent > 1) await route.fetch({ maxRedirects: 0 });
    await route.abort();
  });
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByText("Sending again").waitFor();
  await until("the gateway has heard it", () => sent > 1 && heard.length > 0);
  isLineCut = false;
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  assert.deepEqual([heard.length, (await events("admitted")).length], [1, 1]);
});

test("a session that ended between check and approval: after the sign-in the visitor is let in without another press", {
  skip,
}, async (t) => {
  const { page, heard } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await enterPassword(page);
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  assert.equal(heard.length, 1);
});

test("what was left unanswered for long is sent only when the guard says so", { skip }, async (t) => {
  const { page, heard } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  await page.route("**/guard/enter", (route) => route.abort());
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByText("Sending again").waitFor();
  await page.addInitScript("const now = Date.now; Date.now = () => now() + 11 * 60_000");
  await page.unroute("**/guard/enter");
  await page.goto(new URL("/guard", page.url()).href);
  await page.getByText("not answered more than ten minutes ago").waitFor();
  await page.getByText("Lea Visitor").waitFor();
  assert.deepEqual(heard, []);
  await page.getByRole("button", { name: "Send it now" }).click();
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  assert.equal(heard.length, 1);
});

test("opened while the gateway is away, the app says so, and goes on when it is back", { skip }, async (t) => {
  const { page, served, app } = await aGuard(t, {}, { camera: false });
  await page.evaluate("navigator.serviceWorker.ready.then(() => undefined)");
  await served.stop();
  await page.goto(`${served.url}/guard`);
  await page.getByText("The gateway cannot be reached").first().waitFor();
  const back = await servePages({ app }, Number(new URL(served.url).port));
  t.after(() => back.stop());
  await page.getByLabel("Visitor's code").waitFor();
});

test("without leave to use the camera the page says how to go on", { skip }, async (t) => {
  const { page } = await aGuard(t, {}, { camera: false });
  await page.getByText("The camera is not allowed on this page").waitFor();
});

test("the first load weighs no more than 150 kB besides the decoder", { skip }, async (t) => {
  const { page, served } = await aGuard(t, {}, { camera: false });
  const loaded = new Map<string, number>();
  const addresses = new Map<string, string>();
  const devtools = await page.context().newCDPSession(page);
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => addresses.set(requestId, request.url));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) =>
    loaded.set(addresses.get(requestId) ?? "", encodedDataLength),
  );
  await devtools.send("Network.enable");
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
  await devtools.send("Network.setBypassServiceWorker", { bypass: true });
  await page.goto(`${served.url}/guard`);
  for (const name of ["guard.", "guard-photo.", "guard-pending.", "pico.", "htmx."])
    await until(`${name} is counted`, () => [...loaded.keys()].some((path) => path.includes(`/${name}`)));
  const bytes = loaded.values().reduce((sum, one) => sum + one, 0);
  assert.ok(bytes > 20_000 && bytes < 150_000, `${bytes} bytes`);
  assert.ok(![...loaded.keys()].some((path) => /ponyfill|zxing/.test(path)), "the decoder waits for the camera");
});

for (const language of ["en", "es"] as const)
  test(`every page in ${language} on a small phone: axe finds nothing, nothing lies beside the screen`, {
    skip,
  }, async (t) => {
    const { page, served, cookie, complaints } = await aGuard(t, { entriesAllowed: 1 }, { camera: false, language });
    const found: string[] = [];
    const look = async (what: string) => {
      await page.evaluate(axe);
      const violations = await page.evaluate<string[]>(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))",
      );
      const [lang, width] = [
        await page.evaluate<string>("document.documentElement.lang"),
        await page.evaluate<number>("document.documentElement.scrollWidth"),
      ];
      found.push(...violations.map((one) => `${what}: ${one}`));
      if (lang !== language) found.push(`${what}: language ${lang}`);
      if (width > small.width) found.push(`${what}: ${width} px wide`);
    };
    assert.ok(cookie);
    await page.locator("[data-when=camera-refused]").waitFor();
    await look("scan");
    await type(page, leasUid);
    await page.locator(".verdict.good").waitFor();
    await look("may come in");
    await page.locator(".approve").click();
    await page.locator(".verdict.good + p").waitFor();
    await look("let in");
    await page.locator("a.next").click();
    await type(page, leasUid);
    await page.locator(".verdict.bad").waitFor();
    await look("may not come in");
    for (const path of ["/trust", "/sign-in"]) {
      await page.goto(served.url + path);
      await look(path);
    }
    // The shell goes on by itself where the gateway answers.
    await page.route("**/healthz", (route) => route.abort());
    await page.goto(`${served.url}/guard-shell`);
    await page.locator("[data-when=unreachable]").waitFor();
    await look("shell");
    assert.deepEqual(found, []);
    assert.deepEqual(
      complaints.filter((one) => !one.includes("ERR_FAILED")),
      [],
    );
  });

interface Phone {
  /** false: its owner does not let the page use it. */
  readonly camera?: boolean;
  readonly language?: string;
}

/** Rosa's phone, signed in, at the guard's page of a gate where Lea's pass is known. */
async function aGuard(
  t: { after(work: () => unknown): void },
  overrides: Parameters<typeof aGuardedGate>[0] = {},
  { camera = true, language = "en" }: Phone = {},
) {
  const gate = await aGuardedGate(overrides);
  const served = await servePages(gate);
  t.after(() => served.stop());
  const page = await browser.context.newPage();
  t.after(() => page.close());
  await page.context().clearCookies();
  await page.setExtraHTTPHeaders({ "accept-language": language });
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith(served.url)) complaints.push(`asked ${request.url()}`);
  });
  // What the page plays, as its wave and its pitch.
  await page.addInitScript(`
    window.played = [];
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) {
      window.played.push(this.type + " " + this.frequency.value);
      return start.call(this, at);
    };
  `);
  if (!camera)
    await page.addInitScript(`
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
    `);
  await page.goto(`${served.url}/guard`);
  await enterPassword(page);
  // By then the script is there: what is typed before goes by the browser's own way.
  if (!camera) await page.locator("[data-when=camera-refused]").waitFor();
  return { ...gate, served, page, complaints, tones: () => page.evaluate<string[]>("window.played") };
}

async function enterPassword(page: Page): Promise<void> {
  await page.locator("[name=userName]").fill("rosa");
  await page.locator("[name=password]").fill(rosasPassword);
  await page.locator("main form[action='/sign-in'] button").click();
}

async function type(page: Page, code: string): Promise<void> {
  await page.locator("[name=uid]").fill(code);
  await page.locator("[name=uid]").press("Enter");
}
