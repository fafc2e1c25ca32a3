/** The guard's page in real Chromium, with a camera that sees a visitor's QR code. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import type { GuardRules } from "../../gateway/domain/guard-rules.ts";
import { hearHost } from "../../gateway/flows/ask-host.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { QuestionLink } from "../../gateway/ports/question-link.ts";
import type { WireQuestion } from "../../gateway/wire/gateway-api.ts";
import { startBrowser } from "../support/control-page.ts";
import { fakeCamera } from "../support/fake-camera.ts";
import { noCamera } from "../support/guard-tour.ts";
import { aGuardedGate, leasUid } from "../support/guarded-gate.ts";
import { missing } from "../support/needs.ts";
import { servePages } from "../support/served-pages.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { rosa, rosasPassword, staffRow } from "../support/staffed-gate.ts";
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
  await until("both have sounded", async () => (await tones()).length > 3);
  assert.deepEqual(await tones(), ["sine 880", "sine 1320", "sine 880", "sine 1320"]);
  assert.deepEqual(complaints, []);
});

test("a photo of the camera goes with the entry, and is shown at the next visit", { skip }, async (t) => {
  const { page, served, attachments, events } = await aGuard(t, { entriesAllowed: 3 }, { photo: "required" });
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByText("A photo is needed").waitFor();
  await page.getByRole("button", { name: "Take the photo" }).click();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await page.getByText("The gate is open.").waitFor();
  const [admitted] = await events("admitted");
  const id = (admitted && "scan" in admitted && admitted.scan?.photo) || "";
  const kept = await attachments.read(id);
  assert.equal(kept?.kind, "photo");
  assert.deepEqual([...kept.bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);

  await page.goto(`${served.url}/guard`);
  const last = page.getByRole("img", { name: "Photo of the last visit" });
  await last.waitFor();
  await until("it is shown", () => page.evaluate<boolean>('document.querySelector("img.last-photo").naturalWidth > 0'));
});

test("a large picture of the phone's own camera is made small enough; one that cannot be kept delays no entry", {
  skip,
}, async (t) => {
  const { page, attachments, events, heard } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  const drawn = await page.evaluate<string>(
    'Object.assign(document.createElement("canvas"), { width: 4000, height: 3000 }).toDataURL()',
  );
  const buffer = Buffer.from(drawn.slice(drawn.indexOf(",") + 1), "base64");
  const letIn = page.getByRole("button", { name: "Let in and open the gate" });
  const choose = async () => {
    await page.locator("input[type=file]").setInputFiles({ name: "visitor.png", mimeType: "image/png", buffer });
    await page.locator("canvas[width='1600'][height='1200']").waitFor();
    await letIn.click();
    await page.getByText("The gate is open.").waitFor();
  };
  await choose();
  const [admitted] = await events("admitted");
  assert.ok(attachments.has((admitted && "scan" in admitted && admitted.scan?.photo) || ""));

  await page.getByRole("link", { name: "Next visitor" }).click();
  await type(page, leasUid);
  await page.route("**/photos", (route) => route.abort());
  await choose();
  assert.equal(heard.length, 2);
});

test("a visitor is turned away with a reason, another comes without a code, and both stand in the list; the one inside leaves", {
  skip,
}, async (t) => {
  const { page, heard, complaints } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  await page.getByText("Do not let in").click();
  await page.getByLabel("Reason").selectOption("no identity document");
  await page.getByRole("button", { name: "Turn away" }).click();
  await page.getByRole("heading", { name: "Turned away" }).waitFor();
  assert.deepEqual(heard, []);

  await page.getByRole("link", { name: "Without a code" }).click();
  await page.getByLabel("Visitor's name").fill("Wim Walker");
  await page.getByLabel("Whom they visit").fill("Ana, house 4");
  await page.getByRole("button", { name: "Let in on my own word" }).click();
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  await page.locator(".verdict").getByText("Wim Walker").waitFor();
  assert.equal(heard.length, 1);

  await page.getByRole("link", { name: "Inside" }).click();
  await page.getByText("Wim Walker").waitFor();
  assert.equal(await page.getByText("Lea Visitor").count(), 0);
  await page.getByRole("button", { name: "Has left: Wim Walker" }).click();
  await page.getByText("Nobody.").waitFor();

  await page.getByText("Filter").click();
  await page.getByLabel("Which").selectOption("all");
  await page.getByRole("button", { name: "Show" }).click();
  await page.getByRole("listitem").filter({ hasText: "Wim Walker" }).getByText("has left").waitFor();
  await page.getByRole("listitem").filter({ hasText: "no identity document" }).getByText("turned away").waitFor();
  assert.deepEqual(complaints, []);
});

test("a code that is scanned on the way out ends the visit", { skip }, async (t) => {
  const { page, enter, heard, read } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await enter({ record_uid: leasUid, nonce: "scan-0000-0000-0001" });
  await page.getByLabel("out", { exact: true }).check();
  await type(page, leasUid);
  await page.getByRole("heading", { name: "Has left" }).waitFor();
  assert.equal(heard.length, 1);
  assert.deepEqual((await read("/visits?state=inside")).body.items, []);
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

test("a scanner that types is heard on every page, and its Enter presses nothing", { skip }, async (t) => {
  const { page, heard, tones } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await page.getByLabel("Visitor's code").focus();
  await page.keyboard.type("vis1O482kqx\n");
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.getByRole("button", { name: "Let in and open the gate" }).focus();
  assert.equal(await scanByKeys(page, "VIS-00000-AAA"), "kept from the button");
  await page.getByRole("heading", { name: "May not come in" }).waitFor();
  await page.getByRole("link", { name: "Doors" }).focus();
  assert.equal(await scanByKeys(page, leasUid), "kept from the button");
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  assert.deepEqual(heard, []);
  await until("both have sounded", async () => (await tones()).length > 3);
  assert.deepEqual((await tones()).slice(0, 4), ["sine 880", "sine 1320", "sawtooth 170", "sawtooth 140"]);
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

test("a session that ended between check and approval: after the sign-in the visitor's page is there, and the next press lets in", {
  skip,
}, async (t) => {
  const { page, heard } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await type(page, leasUid);
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  // The sign-in takes longer than anybody waits at a gate.
  await page.addInitScript("const now = Date.now; Date.now = () => now() + 60_000");
  await enterPassword(page);
  await page.getByText("Nothing was counted and nothing moved. Press again.").waitFor();
  assert.equal(heard.length, 0);
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
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
  await page.goto(new URL("/guard", page.url()).href);
  await page.getByText("sent from here and not answered").waitFor();
  await page.getByText("Lea Visitor").waitFor();
  assert.deepEqual(heard, []);
  // Only now: the page before would have sent again by itself.
  await page.unroute("**/guard/enter");
  await page.getByRole("button", { name: "Send it now" }).click();
  await page.getByRole("heading", { name: "Let in" }).waitFor();
  assert.equal(heard.length, 1);
});

test("what one guard left unanswered is not sent under another's name", { skip }, async (t) => {
  const { page, heard, send } = await aGuard(t, { entriesAllowed: 3 }, { camera: false });
  await send([staffRow({ ...rosa, id: "person-otto", name: "Otto Guard", userName: "otto" }, 20)]);
  await type(page, leasUid);
  await page.getByRole("heading", { name: "May come in" }).waitFor();
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Let in and open the gate" }).click();
  await enterPassword(page, "otto");
  await page.getByText("sent from here and not answered").waitFor();
  await page.getByText("Otto Guard").waitFor();
  await page.getByRole("button", { name: "Forget it" }).click();
  await page.getByText("sent from here and not answered").waitFor({ state: "hidden" });
  assert.deepEqual(heard, []);
});

test("opened while the gateway is away, the app says so, and goes on when it is back", { skip }, async (t) => {
  const { page, served, app } = await aGuard(t, {}, { camera: false, worker: true });
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
    const guard = await aGuard(t, { entriesAllowed: 1 }, { camera: false, language });
    const { page, served, cookie, complaints, questions, site, heard } = guard;
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
    for (const path of ["/guard/visits?state=all", "/trust", "/sign-in", "/guard/walk-in"]) {
      await page.goto(served.url + path);
      await look(path);
    }
    await page.locator("[name=name]").fill("Tom Plumber");
    await page.locator("[name=host_name]").fill("Ana Resident");
    await page.locator("button[formaction]").click();
    await page.locator("[data-waits]").waitFor();
    await look("host asked");
    const [asked] = questions;
    const now = site.clock.monotonic();
    const facts = { id: 1, accessPoint: "front", ageMs: 0, ttlMs: 120_000, by: "person-ana" };
    const command = { ...facts, action: "host-answer", question: asked!.id, approves: true } as const;
    await hearHost(site, { command, askedAt: now, answeredAt: now, heldMs: 0 });
    // The gateway has held the page's own request until then.
    await page.locator(".verdict.good").waitFor();
    await look("host approves");
    await page.locator("form[action='/guard/walk-in'] .approve").click();
    await until("the pass and the walk-in have moved the gate", async () => heard.length === 2);
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
  readonly photo?: GuardRules["photo"];
  readonly worker?: boolean;
}

/** Rosa's phone, signed in, at the guard's page of a gate where Lea's pass is known. */
async function aGuard(
  t: { after(work: () => unknown): void },
  overrides: Parameters<typeof aGuardedGate>[0] = {},
  { camera = true, language = "en", photo = "optional", worker = false }: Phone = {},
) {
  const questions: WireQuestion[] = [];
  const questionLink: QuestionLink = {
    askHost: async (question) => {
      questions.push(question);
      return { outcome: "asked", host: { id: "person-ana", name: "Ana Resident" } };
    },
  };
  const gate = await aGuardedGate(overrides, {}, new SimDisk(), { photo }, silentLogger, questionLink);
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
  if (!camera) await page.addInitScript(noCamera);
  // Once it has taken the page over, what page.route() holds back goes out all the same.
  if (!worker)
    await page.addInitScript("Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined })");
  await page.goto(`${served.url}/guard`);
  await enterPassword(page);
  // By then the script is there: what is typed before goes by the browser's own way.
  if (!camera) await page.locator("[data-when=camera-refused]").waitFor();
  return { ...gate, questions, served, page, complaints, tones: () => page.evaluate<string[]>("window.played") };
}

async function enterPassword(page: Page, userName = "rosa"): Promise<void> {
  await page.locator("[name=userName]").fill(userName);
  await page.locator("[name=password]").fill(rosasPassword);
  await page.locator("main form[action='/sign-in'] button").click();
}

/** As a scanner types: faster than any person, wherever the focus is. Tells whether its Enter did what a press there does. */
function scanByKeys(page: Page, code: string): Promise<string> {
  return page.evaluate<string>(`(() => {
    const press = (key) =>
      document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    for (const key of ${JSON.stringify(code)}) press(key);
    return press("Enter") ? "pressed the button" : "kept from the button";
  })()`);
}

async function type(page: Page, code: string): Promise<void> {
  await page.locator("[name=uid]").fill(code);
  await page.locator("[name=uid]").press("Enter");
}
