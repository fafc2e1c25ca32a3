import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FaultRates, Faults, noFaults } from "../../firmware-sim/faults.ts";
import { SerialRelayLink } from "../../firmware-sim/links/serial-relay.ts";
import { SimRelayBoard } from "../../firmware-sim/sim-relay-board.ts";
import { openTty } from "../../gateway/drivers/common/tty.ts";
import { serialRelay } from "../../gateway/drivers/serial-relay/driver.ts";
import { PulseGuard } from "../../gateway/drivers/serial-relay/pulse-guard.ts";
import { switchFrame } from "../../gateway/drivers/serial-relay/wire.ts";
import type { DeviceReport } from "../../gateway/ports/device.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { deviceContract } from "../contract/device.ts";
import { missing } from "../support/needs.ts";
import { givenFolder, givenSerialContext } from "../support/serial-ports.ts";
import { ToldClock } from "../support/told-clock.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const skip = missing("socat");
const deadlineMs = 1_234;

interface Given {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly tellsStatus?: boolean;
  readonly isFedElsewhere?: boolean;
}

async function givenRelay(t: TestContext, { options = {}, tellsStatus = false, isFedElsewhere = false }: Given = {}) {
  const board = new SimRelayBoard(2);
  const faults = new Faults();
  const path = join(await givenFolder(t), "usb-relay");
  const link = new SerialRelayLink({ board, clock: systemClock, path, faults, tellsStatus, isFedElsewhere });
  t.after(() => link.pull());
  const clock = new ToldClock(deadlineMs, 1);
  const { context, lines } = givenSerialContext(clock);
  const all = { port: path, channels: 2, status: tellsStatus ? "bytes" : "none", pollMs: 500, deadlineMs, ...options };
  const device = serialRelay.create("gate-relay", all, context);
  t.after(() => device.stop());
  /** How often its relays were switched to release. */
  const releases = () => link.frames.filter((frame) => frame === "a00101a2").length;
  return {
    ...{ board, link, clock, device, lines, releases, path },
    set: (rates: Partial<FaultRates>) => {
      faults.rates = { ...noFaults, ...rates };
    },
    appear: async () => {
      await link.plug();
      await until("the relay is online", () => device.status().link === "online");
    },
    vanish: async () => {
      await link.pull();
      await until("the driver notices", () => device.status().link === "offline");
    },
  };
}

if (!skip)
  deviceContract(
    "serial-relay that tells how it stands",
    async (t) => {
      const rig = await givenRelay(t, { tellsStatus: true });
      return {
        device: rig.device,
        appear: rig.appear,
        vanish: rig.vanish,
        meet: (how) => {
          rig.set({ noReply: how === "ignore" ? 1 : 0 });
          if (how === "obey-unmoved") rig.board.weld(1);
          else rig.board.unweld(1);
        },
        press: () => assert.fail(noReader()),
        turn: (bolt) => {
          rig.board.set(1, bolt !== "secured");
          if (bolt !== "jammed") return;
          rig.board.weld(1);
          void rig.device.lock?.secure(never);
        },
        commands: rig.releases,
        passDeadline: () => rig.clock.passDeadline(),
      };
    },
    {
      "releases: refused by the thing": "it cannot refuse: a command has no answer",
      "identifies: the thing says that it did, and nothing moves": noLocator(),
      "identifies: refused when the thing cannot be reached": noLocator(),
      "hands on what is presented at the reader": noReader(),
    },
  );
else test("serial-relay", { skip }, () => undefined);

function noReader(): string {
  return "it has no reader";
}

function noLocator(): string {
  return "it has nothing that beeps or blinks";
}

test("a board that never answers: accepted, off twice after its time, and nobody claims to know", {
  skip,
}, async (t) => {
  const { device, link, board, appear, releases } = await givenRelay(t);
  await device.start(never);
  assert.deepEqual(device.lock?.state(), { bolt: "unknown", basis: "assumed" });
  await appear();
  await until("it was secured first of all, twice", () => link.frames.join() === "a00100a1,a00100a1");

  assert.equal(await device.lock?.release(300, never), "accepted");
  assert.deepEqual(device.lock?.state(), { bolt: "released", basis: "assumed" });
  await until("it was released", () => releases() === 1);
  await until("it is secured, and told so twice", () => link.frames.slice(3).filter(isOff).length === 2);
  assert.deepEqual([board.isOn(1), board.isOn(2), releases()], [false, false, 1]);
  assert.equal(device.lock?.state().bolt, "secured");
});

test("a new release is not cut short by the end of the one before", { skip }, async (t) => {
  const { device, board, appear, releases } = await givenRelay(t);
  await device.start(never);
  await appear();
  await device.lock?.release(400, never);
  const [begunAt, holdMs] = [systemClock.monotonic(), 2_000];
  await device.lock?.release(holdMs, never);
  await until("it was released twice", () => releases() === 2);
  await until("it is secured", () => !board.isOn(1));
  // Neither by the first's end nor by the guard's.
  assert.ok(systemClock.monotonic() - begunAt >= holdMs - 10);
});

test("the frame that secures is lost: the next one does; the one that releases is not sent again", {
  skip,
}, async (t) => {
  const { device, board, appear, link, releases } = await givenRelay(t);
  await device.start(never);
  await appear();
  const moved: boolean[] = [];
  board.onChange((_, on) => {
    moved.push(on);
    if (on) link.miss(1);
  });
  await device.lock?.release(300, never);
  await until("it was released, and is secured", () => moved.join() === "true,false");

  link.miss(1);
  const before = link.frames.length;
  assert.equal(await device.lock?.release(300, never), "accepted");
  await until("its end has come", () => link.frames.length === before + 2);
  assert.deepEqual([board.isOn(1), releases()], [false, 1]);
});

test("a gateway that hangs: its guard secures when the newest time it was given is over, and when it is left alone", {
  skip,
}, async (t) => {
  const { link, board, path } = await givenRelay(t);
  await link.plug();
  const tty = await openTty({ path, baudRate: 9_600 }, { onBytes: () => undefined, onGone: () => undefined });
  t.after(() => tty.close());
  const guard = await PulseGuard.start(tty.fd, switchFrame(1, false));
  t.after(() => guard.stop(systemClock));
  tty.write(switchFrame(1, true));
  guard.arm(600_000);
  guard.arm(200);
  await until("it was released, and is secured", () => link.frames.join() === "a00101a2,a00100a1");

  tty.write(switchFrame(1, true));
  guard.arm(600_000);
  await guard.stop(systemClock);
  await until("it is secured", () => !board.isOn(1));
});

test("channel, and a magnet that current secures", { skip }, async (t) => {
  const { device, board, appear } = await givenRelay(t, { options: { channel: 2, energised: "secures" } });
  await device.start(never);
  await appear();
  await until("the magnet holds", () => board.isOn(2));
  const moved: string[] = [];
  board.onChange((channel, on) => moved.push(`${channel} ${on ? "on" : "off"}`));
  assert.equal(await device.lock?.release(200, never), "accepted");
  await until("it lets go, and holds again", () => moved.join() === "2 off,2 on");
});

test("pulled out while it is released, with a supply of its own: secured first thing when it is back, and nothing opens later", {
  skip,
}, async (t) => {
  const { device, link, board, appear, vanish, releases } = await givenRelay(t, { isFedElsewhere: true });
  await device.start(never);
  await appear();
  assert.equal(await device.lock?.release(60_000, never), "accepted");
  await until("it is released", () => board.isOn(1));

  await vanish();
  assert.deepEqual([board.isOn(1), device.lock?.state().bolt], [true, "unknown"]);
  assert.match(device.status().attention ?? "", /usb-relay/);
  assert.equal(await device.lock?.release(5_000, never), "refused");

  const before = link.frames.length;
  await appear();
  await until("it is secured", () => !board.isOn(1));
  assert.deepEqual([link.frames[before], releases()], ["a00100a1", 1]);
  assert.equal(device.status().attention, undefined);
});

test("when its guard dies, the port is opened anew with another, and what was released is secured", {
  skip,
}, async (t) => {
  const { device, board, link, appear, lines } = await givenRelay(t);
  await device.start(never);
  await appear();
  await device.lock?.release(60_000, never);
  await until("it is released", () => board.isOn(1));
  const before = link.frames.length;

  for (const pid of await guardsOf(process.pid)) process.kill(pid, "SIGKILL");
  await until("it is secured", () => link.frames.length > before && !board.isOn(1));
  await until("it is there again", () => device.status().link === "online" && lines.filter(isOpening).length === 2);
  assert.equal(await device.lock?.release(200, never), "accepted");
});

test("stop secures what is released, and leaves no process behind", { skip }, async (t) => {
  const { device, board, appear } = await givenRelay(t);
  await device.start(never);
  await appear();
  await device.lock?.release(60_000, never);
  await until("it is released", () => board.isOn(1));
  await device.stop();
  await until("it is secured", () => !board.isOn(1));
  assert.deepEqual(await guardsOf(process.pid), []);
});

test("contacts that are welded are told as jammed", { skip }, async (t) => {
  const { device, board, appear } = await givenRelay(t, { tellsStatus: true });
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => void reports.push(report));
  await device.start(never);
  await appear();
  board.onChange((_, on) => on && board.weld(1));
  assert.equal(await device.lock?.release(300, never), "confirmed");
  const bolts = () => reports.flatMap((report) => (report.type === "bolt" ? [report.state] : []));
  await until("the jam is reported", () => bolts().at(-1) === "jammed");
  board.unweld(1);
  assert.equal(await device.lock?.secure(never), "confirmed");
  assert.deepEqual(bolts(), ["secured", "released", "jammed", "secured"]);
});

test("options name what is wrong", () => {
  const { context } = givenSerialContext(systemClock);
  const wrong = (options: object) => () => serialRelay.create("relay", options, context);
  assert.throws(wrong({}), /port/);
  assert.throws(wrong({ port: "ttyUSB0" }), /port: expected the path/);
  assert.throws(wrong({ port: "/dev/a", channel: 3, channels: 2, status: "bytes" }), /channel: is beyond/);
  assert.throws(wrong({ port: "/dev/a", chanel: 3 }), /chanel/);
});

function isOff(frame: string): boolean {
  return frame === "a00100a1";
}

function isOpening(line: string): boolean {
  return line.startsWith("port-open ");
}

/** The bash children that hold a port for this process. */
async function guardsOf(parent: number): Promise<number[]> {
  const found = await Promise.all(
    (await readdir("/proc"))
      .filter((name) => /^\d+$/.test(name))
      .map(async (pid) => {
        const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
        const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
        const [, state, ppid] = /\) (\S) (\d+)/.exec(stat) ?? [];
        return line.includes("postern-pulse-guard") && Number(ppid) === parent && state !== "Z" ? [Number(pid)] : [];
      }),
  );
  return found.flat();
}
