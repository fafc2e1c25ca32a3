import assert from "node:assert/strict";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type FaultRates, Faults, noFaults } from "../../firmware-sim/faults.ts";
import { SerialScannerLink, type SerialScannerOptions } from "../../firmware-sim/links/serial-scanner.ts";
import { serialScanner } from "../../gateway/drivers/serial-scanner/driver.ts";
import { type Frame, frameBytesMax, ScanFrames } from "../../gateway/drivers/serial-scanner/frames.ts";
import { Repeats } from "../../gateway/drivers/serial-scanner/repeats.ts";
import type { DeviceReport } from "../../gateway/ports/device.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { deviceContract } from "../contract/device.ts";
import fc from "../support/fast-check.ts";
import { missing } from "../support/needs.ts";
import { givenFolder, givenSerialContext } from "../support/serial-ports.ts";
import { ToldClock } from "../support/told-clock.ts";
import { until } from "../support/until.ts";

const never = new AbortController().signal;
const skip = missing("socat");
/** The wait for the rest of a frame, which ends only when a test says so. */
const frameMs = 1_234;

interface Given {
  readonly options?: Readonly<Record<string, unknown>>;
  readonly plays?: Partial<SerialScannerOptions>;
}

async function givenScanner(t: TestContext, { options = {}, plays = {} }: Given = {}) {
  const faults = new Faults();
  const path = join(await givenFolder(t), "usb-scanner");
  const link = new SerialScannerLink({ clock: systemClock, path, faults, end: "\r\n", ...plays });
  t.after(() => link.pull());
  const clock = new ToldClock(frameMs, 1);
  const { context, lines } = givenSerialContext(clock);
  const device = serialScanner.create("gate-scanner", { port: path, frameMs, repeatMs: 0, ...options }, context);
  t.after(() => device.stop());
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => void reports.push(report));
  const codes = () =>
    reports.flatMap((report) => (report.type === "credential-presented" ? [report.value.reveal()] : []));
  return {
    ...{ link, clock, device, lines, reports, codes, path },
    set: (rates: Partial<FaultRates>) => {
      faults.rates = { ...noFaults, ...rates };
    },
    appear: async () => {
      await link.plug();
      await until("the scanner is online", () => device.status().link === "online");
    },
    vanish: async () => {
      await link.pull();
      await until("the driver notices", () => device.status().link === "offline");
    },
    /** All that was sent before has been read when this resolves. */
    read: async () => {
      const mark = `MARK-${codes().length}`;
      link.send(Buffer.from(`\n${mark}\n`));
      await until("the mark is read", () => codes().includes(mark));
      return codes().filter((code) => !code.startsWith("MARK-"));
    },
  };
}

const noLock = "it has no lock";
const noLocator = "nothing in it can be told to show itself";
if (!skip)
  deviceContract(
    "serial-scanner",
    async (t) => {
      const rig = await givenScanner(t);
      return {
        device: rig.device,
        appear: rig.appear,
        vanish: rig.vanish,
        meet: () => assert.fail(noLock),
        press: (code) => rig.link.scan(code),
        turn: () => assert.fail(noLock),
        commands: () => rig.link.heard.length,
        passDeadline: () => rig.clock.passDeadline(),
      };
    },
    {
      "is unknown after a start, until the thing speaks": noLock,
      "releases: confirmed by the thing's own report": noLock,
      "releases: accepted when the report does not show it": noLock,
      "releases: refused by the thing": noLock,
      "releases: refused when the thing cannot be reached, and it never hears of it": noLock,
      "releases: unknown when no answer comes, and not tried again": noLock,
      "releases: settles when the signal fires": noLock,
      "releases: nothing is sent when the signal has fired before": noLock,
      secures: noLock,
      "holds open: told again before the window is over, it stays released": noLock,
      "holds open: refused when the thing cannot be reached": noLock,
      "identifies: the thing says that it did, and nothing moves": noLocator,
      "identifies: refused when the thing cannot be reached": noLocator,
      "stop settles what is under way": noLock,
      "reports the bolt when it moves, and what it knows": noLock,
      "hands on what is presented at the reader": "it presents passes, not PINs: the next test",
      "tells nothing to who has unsubscribed": noLock,
    },
  );
else test("serial-scanner", { skip }, () => undefined);

test("what it reads is presented as a pass, whatever ends the frame, and is in no log", { skip }, async (t) => {
  const { link, device, appear, reports, codes, lines, read } = await givenScanner(t);
  await device.start(never);
  await appear();
  link.send(Buffer.from("VIS-10482-KQX\rVIS-2\n\r\nVIS-3\r"));
  assert.deepEqual(await read(), ["VIS-10482-KQX", "VIS-2", "VIS-3"]);

  const [report] = reports.filter(({ type }) => type === "credential-presented");
  assert.ok(report?.type === "credential-presented" && report.kind === "pass");
  assert.ok(!JSON.stringify([reports, lines]).includes("VIS-"));
  assert.equal(codes().length, 4);
});

test("after its start nothing is known of it; what came before it is not presented", { skip }, async (t) => {
  const { link, device, read, path } = await givenScanner(t);
  await link.plug();
  const early = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  t.after(() => closeSync(early));
  link.send(Buffer.from("?VIS-BEFORE\n"));
  // Then the rest of it waits in the port as well.
  await until("its first byte has come", () => isReadable(early));
  await device.start(never);
  assert.equal(device.status().link, "unknown");
  await until("it is online", () => device.status().link === "online");
  link.scan("VIS-AFTER");
  assert.deepEqual(await read(), ["VIS-AFTER"]);
});

test("noise, half frames, control characters, wrong UTF-8 and what is too long are nobody's code", {
  skip,
}, async (t) => {
  const { link, device, appear, lines, read } = await givenScanner(t, { options: { prefix: "]Q1" } });
  await device.start(never);
  await appear();
  link.send(Buffer.from([0x80, 0xff, 0x0a]));
  link.send(Buffer.from("VIS\u0007-1\n"));
  link.send(Buffer.from(`${"A".repeat(frameBytesMax + 1)}\n`));
  link.send(Buffer.from(`${"B".repeat(frameBytesMax)}\n`));
  link.send(Buffer.from("]Q1VIS-2\n"));
  assert.deepEqual(await read(), ["B".repeat(frameBytesMax), "VIS-2"]);
  assert.ok(lines.some((line) => line.startsWith("scan-refused") && line.includes("not-utf-8")));
});

test("a frame whose rest does not come is thrown away, not put before the next", { skip }, async (t) => {
  const { link, device, appear, clock, lines, codes } = await givenScanner(t);
  await device.start(never);
  await appear();
  link.send(Buffer.from("VIS-HALF"));
  await until("the rest is waited for", () => clock.waiting === 1);
  clock.passDeadline();
  await until("it is given up", () => lines.some((line) => line.includes('"cut"')));
  link.scan("VIS-WHOLE");
  await until("the next is read", () => codes().length === 1);
  assert.deepEqual(codes(), ["VIS-WHOLE"]);
});

test("a scanner that sends no end: a pause ends the frame", { skip }, async (t) => {
  const { link, device, appear, codes } = await givenScanner(t, {
    options: { framing: "gap", gapMs: 20 },
    plays: { end: "" },
  });
  await device.start(never);
  await appear();
  link.scan("VIS-1");
  await until("the first is read", () => codes().length === 1);
  link.scan("VIS-2");
  await until("the second is read", () => codes().length === 2);
  assert.deepEqual(codes(), ["VIS-1", "VIS-2"]);
});

test("a code held in view is presented once", { skip }, async (t) => {
  const { link, device, appear, read } = await givenScanner(t, { options: { repeatMs: 60_000 } });
  await device.start(never);
  await appear();
  for (let time = 0; time < 5; time += 1) link.scan("VIS-1");
  link.scan("VIS-2");
  link.scan("VIS-1");
  assert.deepEqual(await read(), ["VIS-1", "VIS-2"]);
});

test("pulled out in the middle of a frame: said at once, back by itself, and the half is forgotten", {
  skip,
}, async (t) => {
  const { link, device, appear, vanish, reports, clock, path, read } = await givenScanner(t);
  await device.start(never);
  await appear();
  link.send(Buffer.from("VIS-HA"));
  await until("the rest is waited for", () => clock.waiting === 1);
  await vanish();
  await until("it says what is missing", () => device.status().attention?.includes(`there is no ${path}`) === true);

  await appear();
  assert.equal(device.status().attention, undefined);
  link.scan("LF");
  assert.deepEqual(await read(), ["LF"]);
  const presence = reports.flatMap((report) => (report.type === "presence" ? [report.state] : []));
  assert.deepEqual(presence, ["online", "offline", "online"]);
});

test("two devices on one port: the second says that it is taken", { skip }, async (t) => {
  const { device, appear, path } = await givenScanner(t);
  await device.start(never);
  await appear();
  const second = serialScanner.create("other", { port: path }, givenSerialContext(systemClock).context);
  t.after(() => second.stop());
  await second.start(never);
  await until("it says so", () => second.status().attention?.includes("another program") === true);
  assert.equal(second.status().link, "unknown");
});

test("a GM65 is asked whether it is one, told to look, and its replies are no codes", { skip }, async (t) => {
  const { link, device, appear, read } = await givenScanner(t, {
    options: { model: "gm65", triggerMs: 500 },
    plays: { isGm65: true },
  });
  await device.start(never);
  await appear();
  await until("it was told to look", () => link.looks >= 2);
  link.scan("VIS-1");
  assert.deepEqual(await read(), ["VIS-1"]);
});

test("one that does not answer as a GM65 says so, and is read all the same", { skip }, async (t) => {
  const { link, device, codes } = await givenScanner(t, { options: { model: "gm65" } });
  await device.start(never);
  await link.plug();
  await until("it says so", () => device.status().attention?.includes("GM65") === true);
  assert.equal(device.status().link, "unknown");
  link.scan("VIS-1");
  await until("it is read", () => codes().length === 1);
  assert.deepEqual([device.status().link, device.status().attention], ["online", undefined]);
});

test("what people are told is the maker's bytes; locked out is denied where nothing else is said", {
  skip,
}, async (t) => {
  const { link, device, appear } = await givenScanner(t, { options: { granted: "07", denied: "16 54 0d" } });
  await device.start(never);
  await appear();
  await device.reader?.feedback("granted", never);
  await device.reader?.feedback("locked-out", never);
  await until("it has heard", () => link.heard.toString("hex") === "0716540d");
});

test("frames come out the same, wherever the chunks are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (chunks) => {
      const inChunks = framesOf(chunks.map((chunk) => Buffer.from(chunk)));
      const inOne = framesOf([Buffer.concat(chunks)]);
      assert.deepEqual(inChunks, inOne);
    }),
  );
});

test("a code counts again when it was out of sight for so long, whatever was shown meanwhile", () => {
  const repeats = new Repeats(3_000);
  const seen = (code: string, at: number) => repeats.isRepeat(code, at);
  assert.deepEqual(
    [seen("a", 0), seen("a", 2_999), seen("b", 3_000), seen("a", 5_998), seen("a", 8_998), seen("a", 11_999)],
    [false, true, false, true, false, false],
  );
  for (let other = 0; other < 100; other += 1) seen(String(other), 12_000);
  assert.equal(seen("99", 12_001), true);
});

test("options name what is wrong", () => {
  const { context } = givenSerialContext(systemClock);
  const wrong = (options: object) => () => serialScanner.create("scanner", options, context);
  assert.throws(wrong({}), /port/);
  assert.throws(wrong({ port: "/dev/a", triggerMs: 1_000 }), /triggerMs: is a command of the gm65 family/);
  assert.throws(wrong({ port: "/dev/a", granted: "beep" }), /granted: expected 1 to 64 bytes/);
});

function isReadable(fd: number): boolean {
  try {
    return readSync(fd, Buffer.alloc(1)) === 1;
  } catch {
    return false;
  }
}

function framesOf(chunks: readonly Buffer[]): Frame[] {
  const frames = new ScanFrames(true);
  return [...chunks.flatMap((chunk) => frames.push(chunk)), ...frames.end()];
}
