/** A door on a controller that is managed from a cloud: it decides by what it keeps, and the cloud learns late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import {
  type DoorRecord,
  type DoorRight,
  SimCloudDoor,
  type SimCloudDoorOptions,
} from "../../firmware-sim/sim-cloud-door.ts";
import { SimClock } from "../support/sim-clock.ts";

const noon = Date.UTC(2031, 2, 4, 12);
const hour = 3_600_000;

function givenDoor(options: Partial<SimCloudDoorOptions> = {}) {
  const clock = new SimClock(noon);
  const door = new SimCloudDoor({ id: 7, name: "Entrance", clock, ...options });
  const heard: DoorRecord[] = [];
  let rights: readonly DoorRight[] = [];
  const detach = door.attach({ rights: () => rights, hear: (record) => heard.push(record) });
  const pass = async (ms: number) => {
    const end = clock.monotonic() + ms;
    while (clock.step(end)) await turn();
    await turn();
  };
  const decree = (...wanted: readonly DoorRight[]) => {
    rights = wanted;
    door.noticeChange();
  };
  const pin = (digits: string, window: Pick<DoorRight, "from" | "until"> = {}): DoorRight => ({
    holder: 31,
    opensWith: { kind: "pin", digits },
    ...window,
  });
  return { clock, door, heard, detach, pass, decree, pin };
}

test("a right opens once the controller has it, and goes on opening until it has lost it", async () => {
  const { door, decree, pass, pin } = givenDoor({ syncMs: 2_000 });
  decree(pin("4711"));
  await pass(1_999);
  assert.equal(door.enterPin("4711"), false);
  await pass(1);
  assert.equal(door.enterPin("4711"), true);

  decree();
  await pass(1_999);
  assert.equal(door.enterPin("4711"), true);
  await pass(1);
  assert.equal(door.enterPin("4711"), false);
});

test("with a cut line it goes by what it keeps, for as long as the line is cut", async () => {
  const { door, decree, pass, pin } = givenDoor();
  decree(pin("4711"));
  await pass(2_000);
  door.cutLine();
  decree();
  await pass(24 * hour);
  assert.equal(door.online, false);
  assert.equal(door.enterPin("4711"), true);

  door.restoreLine();
  assert.equal(door.enterPin("4711"), true, "not at once");
  await pass(2_000);
  assert.equal(door.enterPin("4711"), false);
});

test("a line that breaks while the rights are on their way brings nothing", async () => {
  const { door, decree, pass, pin } = givenDoor();
  decree(pin("4711"));
  await pass(1_000);
  door.cutLine();
  await pass(10_000);
  assert.deepEqual(door.rights(), []);
  door.restoreLine();
  await pass(2_000);
  assert.equal(door.rights().length, 1);
});

test("a controller that takes nothing in is online and out of date", async () => {
  const { door, decree, pass, pin } = givenDoor();
  door.freezeSync();
  decree(pin("4711"));
  await pass(hour);
  assert.equal(door.online, true);
  assert.equal(door.enterPin("4711"), false);
  door.thawSync();
  await pass(2_000);
  assert.equal(door.enterPin("4711"), true);
});

test("validity begins with its first instant and ends before its last, by the controller's own clock", async () => {
  const { door, decree, pass, pin } = givenDoor({ syncMs: 0 });
  decree(pin("4711", { from: noon + hour, until: noon + 2 * hour }));
  await pass(hour - 1);
  assert.equal(door.enterPin("4711"), false);
  await pass(1);
  assert.equal(door.enterPin("4711"), true);
  await pass(hour - 1);
  assert.equal(door.enterPin("4711"), true);
  await pass(1);
  assert.equal(door.enterPin("4711"), false);
  door.clockErrorMs = -hour;
  assert.equal(door.enterPin("4711"), true);
});

test("a phone is not a PIN, and the one of somebody else opens nothing", () => {
  const { door, decree } = givenDoor({ syncMs: 0 });
  decree({ holder: 31, opensWith: { kind: "phone", holder: 31 } });
  assert.equal(door.enterPin("31"), false);
  assert.equal(door.usePhone(32), false);
  assert.equal(door.usePhone(31), true);
});

test("the strike is released for the time that is set, anew at each use", async () => {
  const { door, pass } = givenDoor({ unlockMs: 5_000 });
  assert.equal(door.pushLeaf(), false);
  assert.equal(door.pulse(), "done");
  await pass(4_999);
  assert.equal(door.strike, "released");
  door.pulse();
  await pass(4_999);
  assert.equal(door.strike, "released");
  assert.equal(door.pushLeaf(), true);
  await pass(1);
  assert.equal(door.strike, "secured");
  assert.equal(door.leaf, "open");
});

test("locked down nobody comes in, and whoever is inside comes out", () => {
  const { door, decree, pin } = givenDoor({ syncMs: 0 });
  decree(pin("4711"));
  assert.equal(door.setMode("locked-down"), "done");
  assert.equal(door.enterPin("4711"), false);
  assert.equal(door.pulse(), "locked-down");
  assert.equal(door.strike, "secured");
  door.pressExit();
  assert.equal(door.strike, "released");
});

test("held open it stays open for everybody until that is ended", async () => {
  const { door, pass } = givenDoor();
  door.setMode("held-open");
  await pass(hour);
  assert.equal(door.pushLeaf(), true);
  door.closeLeaf();
  door.setMode("controlled");
  assert.equal(door.pushLeaf(), false);
});

test("held open for a time, the controller ends that by itself; a newer word counts", async () => {
  const { door, pass } = givenDoor();
  door.setMode("held-open", hour);
  door.cutLine();
  await pass(hour - 1);
  assert.equal(door.strike, "released");
  await pass(1);
  assert.equal(door.strike, "secured");
  door.restoreLine();
  door.setMode("held-open", hour);
  door.setMode("held-open");
  await pass(2 * hour);
  assert.equal(door.mode, "held-open");
});

test("no command reaches it without line or power", () => {
  const { door } = givenDoor();
  door.cutLine();
  assert.equal(door.pulse(), "offline");
  assert.equal(door.setMode("held-open"), "offline");
  door.restoreLine();
  door.cutPower();
  assert.equal(door.pulse(), "offline");
  assert.equal(door.mode, "controlled");
});

test("without power it stays shut, and comes back with what it kept", async () => {
  const { door, decree, pass, pin, heard } = givenDoor({ syncMs: 0 });
  decree(pin("4711"));
  door.enterPin("4711");
  door.cutPower();
  assert.equal(door.strike, "secured");
  assert.equal(door.enterPin("4711"), false);
  assert.equal(heard.length, 1, "and nobody writes that down");
  await pass(5_000);
  door.restorePower();
  assert.equal(door.enterPin("4711"), true);
});

test("what happened while the line was cut is told in order, with its own times", async () => {
  const { door, heard, pass, decree, pin } = givenDoor({ syncMs: 0, heldOpenAfterMs: 30_000 });
  decree(pin("4711"));
  door.cutLine();
  door.enterPin("9999");
  await pass(1_000);
  door.enterPin("4711");
  door.pushLeaf();
  await pass(30_000);
  door.closeLeaf();
  door.forceLeaf();
  assert.deepEqual(heard, []);

  door.restoreLine();
  assert.deepEqual(
    heard.map(({ kind, at, holder }) => [kind, at - noon, holder]),
    [
      ["refused", 0, undefined],
      ["admitted", 1_000, 31],
      ["opened", 1_000, undefined],
      ["held-open", 31_000, undefined],
      ["closed", 31_000, undefined],
      ["forced", 31_000, undefined],
    ],
  );
});

test("a leaf that is shut in time is not held open", async () => {
  const { door, heard, pass } = givenDoor({ heldOpenAfterMs: 30_000 });
  door.pressExit();
  door.pushLeaf();
  await pass(29_999);
  door.closeLeaf();
  await pass(hour);
  assert.deepEqual(
    heard.map(({ kind }) => kind),
    ["exit", "opened", "closed"],
  );
});

test("a known person who comes too late is refused by name", async () => {
  const { door, heard, decree, pin } = givenDoor({ syncMs: 0 });
  decree(pin("4711", { until: noon }));
  door.enterPin("4711");
  assert.deepEqual(heard, [{ door: 7, kind: "refused", at: noon, shown: "pin", holder: 31 }]);
});

test("left by its cloud it keeps its rights and what happens", async () => {
  const { door, detach, decree, pass, pin } = givenDoor({ syncMs: 0 });
  decree(pin("4711"));
  detach();
  decree();
  await pass(hour);
  assert.equal(door.enterPin("4711"), true);
  const late: DoorRecord[] = [];
  door.attach({ rights: () => [], hear: (record) => late.push(record) });
  assert.equal(late.length, 1);
  assert.equal(door.enterPin("4711"), false);
});
