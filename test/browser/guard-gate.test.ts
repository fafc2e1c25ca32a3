/**
 * A visit from end to end, in real Chromium at a whole site: the host invites, the camera reads the visitor's pass, the relay of the gate
 * moves, the host is told and finds the visit in the history; with the internet, and without it until it is back.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Page } from "playwright-core";
import { Faults } from "../../firmware-sim/faults.ts";
import { ShellyServer } from "../../firmware-sim/links/shelly.ts";
import { SimRelay } from "../../firmware-sim/sim-relay.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { phone, startBrowser } from "../support/control-page.ts";
import { fakeCamera } from "../support/fake-camera.ts";
import { missing } from "../support/needs.ts";
import { givenPushPeer, type PushPeer } from "../support/push-peer.ts";
import { until } from "../support/until.ts";
import { WholeSite } from "../support/whole-site.ts";

const skip = missing("chromium");
const password = "whole-site-relay-password";
const peoplesPassword = "gate and garden 7";
const relay = new SimRelay({ id: "shellyplus1-a8032abe54dc", clock });
const server = new ShellyServer({ relay, clock, faults: new Faults(), password });

let site: WholeSite;
let folder: string;
let peer: PushPeer;
let browser: Awaited<ReturnType<typeof startBrowser>>;
const closing: (() => unknown)[] = [];
before(async () => {
  if (skip) return;
  folder = await mkdtemp(join(tmpdir(), "postern-camera-"));
  peer = await givenPushPeer({ after: (close) => void closing.push(close as () => unknown) });
  const options = { ...(await server.start()), pollMs: 500 };
  site = await WholeSite.start({
    boxes: ["gate"],
    lockOf: { gate: { id: "gate-relay", driver: "shelly", options, secrets: { password } } },
    holdMs: 1_000,
    pushServices: [peer.origin],
  });
  await until("the relay is online", () => {
    const device = site.gateway.site.parts.devices.get("gate-relay");
    return device?.status().link === "online";
  });
});
after(async () => {
  if (skip) return;
  await browser?.stop();
  await site.stop();
  await server.stop();
  for (const close of closing) await close();
  await rm(folder, { recursive: true, force: true });
});

async function aPerson(userName: string, name: string, role: string): Promise<string> {
  const { person, link } = await site.admin<{ person: { id: string }; link: { url: string } }>("POST", "/api/people", {
    userName,
    name,
    role,
    sites: [site.site],
  });
  const token = new URL(link.url).hash.slice(1);
  await site.admin("POST", "/auth/link/password", { token, password: peoplesPassword });
  return person.id;
}

/** The host's phone: signed in at the cloud's pages, and told by the push service. */
async function aHostsPhone(page: Page) {
  await page.goto(`${site.cloudUrl}/sign-in`);
  await page.locator("[name=name]").fill("ana");
  await page.locator("[name=password]").fill(peoplesPassword);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  const told = peer.browser("ana");
  const subscribed = await page.evaluate<number>(
    `fetch("/api/me/push", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: ${JSON.stringify(JSON.stringify(told.subscription))},
    }).then(({ status }) => status)`,
  );
  assert.equal(subscribed, 201);
  return told;
}

/** Answers the pass's own page, and what stands in its QR code as the visitor's page shows it. */
async function invite(page: Page, context: typeof browser.context) {
  await page.goto(`${site.cloudUrl}/passes/new`);
  await page.getByLabel("Visitor's name").fill("Lea Visitor");
  await page.getByLabel("several times").check();
  await page.getByLabel("How many times").fill("2");
  await page.getByRole("button", { name: "Make the pass" }).click();
  await page.getByText("The pass is made.").waitFor();
  const address = new URL(page.url()).pathname;
  const link = new URL(await page.locator("#pass-link").innerText());
  const visitor = await context.newPage();
  await visitor.goto(site.cloudUrl + link.pathname);
  const uid = await visitor.locator(".uid").innerText();
  await visitor.close();
  return { address, uid };
}

test("invited, scanned, photographed, let in: the host is told and sees it; without the internet all of it follows once", {
  skip,
}, async () => {
  const guard = await aPerson("rosa", "Rosa Guard", "guard");
  await aPerson("ana", "Ana Resident", "resident");
  const video = join(folder, "camera.y4m");
  const camera = await fakeCamera(video, "nothing yet");
  browser = await startBrowser({ viewport: phone }, camera);
  const host = await browser.context.newPage();
  const told = await aHostsPhone(host);
  const { address, uid } = await invite(host, browser.context);
  await fakeCamera(video, uid);
  await until("the gateway knows guard and pass", () => {
    const { records, seal } = site.gateway.site.parts;
    const candidates = records.candidates({ kind: "pass", index: seal.index("pass", uid) });
    return records.staff(guard) !== undefined && candidates.length === 1;
  });
  let pulses = 0;
  relay.onChange(() => {
    if (relay.output) pulses += 1;
  });
  const page = await browser.context.newPage();
  const letIn = async () => {
    await page.getByRole("heading", { name: "May come in" }).waitFor();
    await page.getByText("Lea Visitor").first().waitFor();
    await page.getByRole("button", { name: "Take the photo" }).click();
    await page.getByRole("button", { name: "Let in and open the gate" }).click();
    await page.getByText("The gate is open.").waitFor();
    await until("the strike is back", () => !relay.output);
  };

  await page.goto(`${site.gateway.http.url}/guard`);
  await page.getByLabel("User name").fill("rosa");
  await page.getByLabel("Password").fill(peoplesPassword);
  await page.getByRole("button", { name: "Sign in" }).click();
  await letIn();
  assert.equal(pulses, 1);
  await until("the host's phone is told", () => told.messages().length === 1);
  const [notice] = told.messages();
  assert.deepEqual([notice?.title, notice?.path], ["Lea Visitor has arrived", address]);
  for (const said of ["gate", "Rosa Guard", "1 entry is left"]) assert.ok(notice?.body.includes(said), said);
  const photos = () => host.locator("img[src*='/photos/']");
  const historyShows = (count: number) =>
    until(`the history shows ${count} with photos`, async () => {
      await host.goto(site.cloudUrl + address);
      const guards = host.getByRole("cell", { name: "Rosa Guard" });
      return (await photos().count()) === count && (await guards.count()) === count;
    });
  await historyShows(1);
  assert.equal(new URL((await photos().first().getAttribute("src")) ?? "", site.cloudUrl).pathname, notice?.photo);

  await site.setInternet(false);
  await fakeCamera(video, uid, 180);
  await page.goto(`${site.gateway.http.url}/guard`);
  await letIn();
  assert.equal(pulses, 2);
  assert.equal(told.messages().length, 1, "nobody can be told yet");
  await site.setInternet(true);
  await until("the host's phone is told of the second", () => told.messages().length === 2);
  await historyShows(2);
  const seen = await host.evaluate<number[]>(`Promise.all(
    [...document.querySelectorAll("img[src*='/photos/']")].map(async (image) => {
      image.loading = "eager";
      await image.decode();
      return image.naturalWidth;
    }),
  )`);
  assert.ok(
    seen.every((width) => width > 0),
    "the photos themselves are there",
  );
  const entries = (await site.cloudEvents()).filter((event) => event.type === "admitted");
  assert.equal(entries.length, 2);
  assert.equal(new Set(entries.map((event) => "scan" in event && event.scan?.photo)).size, 2);
  assert.equal(told.messages().length, 2, "each told once");
});
