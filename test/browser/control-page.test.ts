/** The control page in real Chromium, against a site that is told what to be. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import type { BrowserContext } from "playwright-core";
import { type FaultRates, noFaults } from "../../firmware-sim/faults.ts";
import { ControlPage, desktop, phone, startBrowser } from "../support/control-page.ts";
import { missing } from "../support/needs.ts";
import {
  type Answer,
  aBox,
  aKisiDoor,
  aNuki,
  aSiteState,
  aStrike,
  decided,
  received,
  startToldSite,
  type ToldSite,
} from "../support/told-site.ts";

const skip = missing("chromium");
const box = "Parcel box 1";
const events = [
  decided(3, { type: "denied", accessPoint: "box-2", reason: "QR_NOT_FOUND", lockedOutMs: 30_000 }),
  decided(2, { type: "admitted", accessPoint: "box-1", left: 0 }),
  decided(1, { type: "boot" }),
];

interface Wishes {
  readonly digits?: string;
  readonly on?: boolean;
  readonly running?: boolean;
  readonly open?: boolean;
  readonly to?: "released" | "secured";
}

/** Opens for 583914 and does what the switches say. */
const answer: Answer = ({ path, body }, site) => {
  const { digits, on, running, open, to } = body as Wishes;
  const { boxes, cloud } = site.state();
  const at = (boxes[0]?.lastVerdict?.at ?? 0) + 1;
  if (path.startsWith("/api/boxes") && digits === "583914")
    site.tellBox("box-1", { bolt: "released", display: "Welcome", lastVerdict: { verdict: "granted", at } });
  else if (path.startsWith("/api/boxes") && digits !== undefined)
    site.tellBox("box-1", { display: "Wrong code", lastVerdict: { verdict: "denied", at } });
  if (path === "/api/locks/front-door/pin") site.tellLock("front-door", { lastVerdict: { verdict: "granted", at } });
  if (path === "/api/locks/front-door/unlock")
    site.tellLock("front-door", { unlock: { state: "confirmed", at: 1_930_392_000_000 }, bolt: "released" });
  if (path === "/api/locks/front-door/turn") site.tellLock("front-door", { bolt: to ?? "secured" });
  const isFree = boxes[0]?.bolt === "released";
  if (path === "/api/boxes/box-1/door" && isFree) site.tellBox("box-1", { door: open ? "open" : "closed" });
  if (path.endsWith("/power")) site.tellBox("box-1", { powered: on === true, display: "" });
  if (path.endsWith("/line")) site.tellBox("box-1", { line: { ...boxes[0]!.line, ...(body as Partial<FaultRates>) } });
  if (path === "/api/internet") site.tell({ internet: { on: on === true } });
  if (path === "/api/cloud" && cloud) {
    const isOn = running === true;
    site.tell({ cloud: { ...cloud, running: isOn, wanted: isOn } });
  }
};

let browser: { readonly context: BrowserContext; stop(): Promise<void> };
let site: ToldSite;
let control: ControlPage;

before(async () => {
  if (!skip) browser = await startBrowser();
});
after(() => browser?.stop());

beforeEach(async () => {
  if (skip) return;
  site = await startToldSite(aSiteState(), answer);
  control = await ControlPage.open(browser.context, site.url);
});
afterEach(async () => {
  if (skip) return;
  await control.page.close();
  await site.stop();
  assert.deepEqual(control.complaints, []);
});

test("pressed keys are entered, the display hides them, the verdict is shown and told", { skip }, async () => {
  for (const digit of "58") await control.box(box).getByRole("button", { name: digit, exact: true }).click();
  await control.display(box, "••");
  await control.box(box).getByRole("button", { name: "Clear", exact: true }).click();
  await control.pressPin(box, "583914");
  await control.verdict(box, `${box}: opens.`);
  await control.display(box, "Welcome");
  await control.bolt(box, "released");
  await control.pushDoor(box);
  await control.door(box, "open");
  assert.deepEqual(site.posts, [
    { path: "/api/boxes/box-1/pin", body: { digits: "583914" } },
    { path: "/api/boxes/box-1/door", body: { open: true } },
  ]);
});

test("a locked door does not give way, and it is said", { skip }, async () => {
  await control.pushDoor(box);
  await control.verdict(box, `${box}: the door does not give way.`);
  await control.door(box, "closed");
  await control.box(box).getByText("It is locked").waitFor();
});

test("a keyboard is a keypad while a box has the focus", { skip }, async () => {
  await control.typePin(box, "111222");
  await control.verdict(box, `${box}: stays shut, wrong code.`);
  await control.bolt(box, "secured");
  assert.deepEqual(site.posts, [{ path: "/api/boxes/box-1/pin", body: { digits: "111222" } }]);
});

test("a code to try is pressed at the chosen box, five wrong ones one after the other", { skip }, async () => {
  await control.tryCode(box, "Guest");
  await control.verdict(box, `${box}: opens.`);
  await control.tryCode(box, "Five wrong ones");
  await control.page.locator('.hint:not([aria-busy="true"])', { hasText: "Five wrong ones" }).waitFor();
  const entered = site.posts.map(({ body }) => (body as { digits: string }).digits);
  assert.equal(entered[0], "583914");
  assert.equal(entered.length, 6);
  assert.equal(new Set(entered.slice(1)).size, 1);
});

test("a box that is asked where it is blinks, and it is told", { skip }, async () => {
  site.tellBox("box-1", { display: "I am here", beeps: 3 });
  await control.verdict(box, `${box}: beeps and blinks: here it is.`);
  await control.display(box, "I am here");
  await control.page.locator(`article.box[aria-label="${box}"][data-lamp="here"]`).waitFor();
  site.tellBox("box-1", { display: "Enter code", beeps: 0 });
  await control.page.locator(`article.box[aria-label="${box}"][data-lamp="ready"]`).waitFor();
});

test("switches tell what is wanted, show what is, and say it in words", { skip }, async () => {
  const words = control.page.locator("#line-words");
  await control.setInternet(false);
  await control.reads(words, /^Internet unplugged: the gateway decides alone/);
  await control.setInternet(true);
  await control.reads(words, /^Connected: /);
  await control.setCloud(false);
  await control.reads(words, /^The cloud is down: the gateway decides alone/);
  await control.setTrouble(box, "Power", false);
  await control.killGateway();
  assert.deepEqual(site.posts, [
    { path: "/api/internet", body: { on: false } },
    { path: "/api/internet", body: { on: true } },
    { path: "/api/cloud", body: { running: false } },
    { path: "/api/boxes/box-1/power", body: { on: false } },
    { path: "/api/gateway/kill", body: {} },
  ]);
});

test("a box's line is made weak or as bad as wished, and it shows", { skip }, async () => {
  const words = control.box(box).locator("p.words");
  await control.setLine(box, "Weak");
  await control.reads(words, /weak line/);
  await control.setRate(box, "Lost", 40);
  await control.reads(words, /faulty line/);
  await control.reads(control.box(box).locator('[data-part="rate-lose"]'), "40 %");
  assert.equal(await control.box(box).getByLabel("Its line to the gateway").inputValue(), "own");
  await control.setRate(box, "Held back", 1200);
  await control.reads(control.box(box).locator('[data-part="rate-delayMs"]'), "1200 ms");
  await control.setLine(box, "Good");
  await control.reads(words, "Locked · door closed");
  await control.page.keyboard.type("1");
  await control.display(box, "Enter code");

  const [weak, ...others] = site.posts.map(({ path, body }) => [path, body] as const);
  assert.equal(weak?.[0], "/api/boxes/box-1/line");
  assert.deepEqual(others, [
    ["/api/boxes/box-1/line", { lose: 0.4 }],
    ["/api/boxes/box-1/line", { delayMs: 1200 }],
    ["/api/boxes/box-1/line", noFaults],
  ]);
});

test("each event stands beside what the cloud has of it, once, newest first", { skip }, async () => {
  const gateway = aSiteState().gateway!;
  site.tell({
    internet: { on: false },
    decided: events,
    received: events.slice(2).map(received),
    gateway: { ...gateway, sync: "offline", queue: 2, durableSeq: 3 },
  });
  await control.event("Parcel box 1: code accepted, its last entry", "waiting");
  await control.event("Parcel box 2: refused, there is no such code; keypad locked out for 30 s", "waiting");
  await control.event("The gateway started", "in the cloud");
  await control.figure("queue", "2 events");
  assert.equal(await control.count("waiting"), 2);

  site.tell({ internet: { on: true }, received: events.map(received), gateway: { ...gateway, durableSeq: 3 } });
  await control.event("Parcel box 2: refused", "in the cloud");
  await control.figure("queue", "nothing");
  assert.equal(await control.count("waiting"), 0);
  const rows = await control.page.locator("#events tr").evaluateAll((all) => all.map((row) => row.dataset.seq));
  assert.deepEqual(rows, ["3", "2", "1"]);
});

test("a gateway that is gone and a refusal are told", { skip }, async () => {
  site.tell({ gateway: { ...aSiteState().gateway!, reachable: false } });
  await control.reads(control.page.locator("#line-words"), /^The gateway is gone/);
  await control.page.route("**/api/boxes/box-1/pin", (route) =>
    route.fulfill({ status: 409, contentType: "application/problem+json", body: '{"detail":"box-1 has no power"}' }),
  );
  control.expected.push(/status of 409/);
  await control.pressPin(box, "1");
  await control.reads(control.page.locator("#refusal"), "box-1 has no power");
});

test("a cloud that ended by itself is on its way back, and its switch stays on; one that was stopped is not", {
  skip,
}, async () => {
  const state = control.page.locator('#cloud [data-part="state"]');
  const service = control.page.getByRole("switch", { name: "Service" });
  const cloud = { ...aSiteState().cloud!, running: false, reachable: false };
  site.tell({ cloud });
  await control.reads(state, "gone, coming back");
  assert.equal(await service.getAttribute("aria-checked"), "true");

  site.tell({ cloud: { ...cloud, wanted: false } });
  await control.reads(state, "stopped");
  assert.equal(await service.getAttribute("aria-checked"), "false");
});

test("a maker's lock stands below the boxes with what it has, and without what it lacks", { skip }, async () => {
  site.tell({ locks: [aNuki(), aStrike({ connected: false }), aKisiDoor()] });
  const [nuki, gate, office] = ["Front door", "Garden gate", "Office"].map((name) => control.box(name));
  const noPins = office!.locator('[data-part="no-pins"]');
  await control.reads(noPins, "No PINs on this lock: Kisi opens by its app, cards and links of its own");
  assert.equal(await noPins.isVisible(), true);
  assert.equal(await gate!.locator('[data-part="no-pins"]').isVisible(), false);
  await control.reads(nuki!.locator(".make"), /^Nuki: .* through its maker’s cloud by the driver “nuki”$/);
  await control.reads(nuki!.locator("p.words"), "Locked · door closed · battery 80 %");
  await control.reads(gate!.locator("p.words"), "Locked · door closed");
  await control.reads(gate!.locator('[data-part="link"]'), "no connection");
  await control.unfold("Front door", "1 code in it");
  await control.reads(nuki!.locator("li"), /^Postern 01ABCDEFGH: from \d+ Mar 2031.* until \d+ Mar 2031/);
  for (const lock of ["Front door", "Garden gate"]) await control.unfold(lock, "Make trouble");
  const isShown = (lock: typeof nuki, part: string) => lock!.locator(part).isVisible();
  for (const part of ['[data-key="1"]', '[data-act="battery"]', '[data-act="online"]', '[data-part="codes"]'])
    assert.deepEqual([await isShown(nuki, part), await isShown(gate, part)], [true, false], part);
  assert.equal(await isShown(nuki, '[data-act="tamper"]'), false);
  assert.equal(await control.box(box).locator(".knob").isVisible(), false);
});

test("a maker's lock is unlocked from afar, turned by hand and typed at, and each is told", { skip }, async () => {
  site.tell({ locks: [aNuki(), aStrike()] });
  const nuki = control.box("Front door");
  await nuki.getByRole("button", { name: "Unlock from afar" }).click();
  await control.reads(nuki.locator('[data-part="unlock-words"]'), /^Unlocked, and the lock has said so · \d/);
  await nuki.getByRole("button", { name: "Turn the knob" }).click();
  await control.bolt("Front door", "secured");
  await control.tryCode("Front door", "Guest");
  await control.verdict("Front door", "Front door: opens.");
  site.tellLock("front-door", { door: "open" });
  await control.door("Front door", "open");
  await control.pushDoor("Front door");
  await control.verdict("Front door", "Front door: the door does not shut, its bolt is out.");
  assert.deepEqual(site.posts, [
    { path: "/api/locks/front-door/unlock", body: {} },
    { path: "/api/locks/front-door/turn", body: { to: "secured" } },
    { path: "/api/locks/front-door/pin", body: { digits: "583914" } },
    { path: "/api/locks/front-door/door", body: { open: false } },
  ]);
});

test("what happens to codes in a lock, and openings at it, are told in words", { skip }, async () => {
  const told = [
    decided(3, { type: "opened-at-lock", device: "front-door", by: "code" }),
    decided(2, { type: "code-read", device: "front-door", state: "present" }),
    decided(1, { type: "code-sent", device: "front-door", change: "set" }),
  ];
  site.tell({ locks: [aNuki()], decided: told, received: told.slice(1).map(received) });
  await control.event("Front door: opened by a code in the lock, without asking the gateway", "waiting");
  await control.event("Front door: the code stands in the lock", "in the cloud");
  await control.event("Front door: puts a code into the lock", "in the cloud");
});

test("two and four boxes fit a phone and a desktop, in both colour schemes", { skip }, async () => {
  const long = aBox("box-4", "The box behind the bicycle shed", { tamper: true, batteryPercent: 5, door: "open" });
  await control.setRate(box, "Lost", 40);
  for (const boxes of [aSiteState().boxes, [...aSiteState().boxes, aBox("box-3", "Keys"), long]]) {
    const locks = [aNuki({ unlock: { state: "accepted", at: 0 } }), aStrike({ bolt: "jammed" }), aKisiDoor()];
    site.tell({ boxes, locks, decided: events, received: [] });
    await control.boxes.nth(boxes.length + locks.length - 1).waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await control.page.emulateMedia({ colorScheme });
      for (const size of [phone, desktop]) {
        await control.page.setViewportSize(size);
        await control.fitsItsWidth();
      }
    }
  }
});

test("what gateway, cable and cloud are switched with stands whole in its column and clear of the card's edge", {
  skip,
}, async () => {
  for (const width of [320, 390, 576, 1023, 1280]) {
    await control.page.setViewportSize({ width, height: 844 });
    const overhangs = await control.page.locator("#line button").evaluateAll((buttons) =>
      buttons.flatMap((button) => {
        const [own, column] = [button, button.parentElement!].map((element) => element.getBoundingClientRect());
        return own!.left < column!.left || own!.right > column!.right ? [`${button.id} ${own!.width}`] : [];
      }),
    );
    assert.deepEqual(overhangs, [], `at ${width} px`);
  }
});

test("the page's policy refuses inline scripts and styles and foreign content", { skip }, async () => {
  const response = await fetch(site.url);
  const policy = response.headers.get("content-security-policy") ?? "";
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.doesNotMatch(await response.text(), /<style|\sstyle=|\son\w+=/);
});
