/**
 * A code read by a simulated scanner → the relay board's frame at the other pty: two ptys by socat, the serial drivers, the decision and its
 * record on the real disk. Scanner, board and gateway share one process here, which only makes it slower.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Faults } from "../../firmware-sim/faults.ts";
import { SerialRelayLink } from "../../firmware-sim/links/serial-relay.ts";
import { SerialScannerLink } from "../../firmware-sim/links/serial-scanner.ts";
import { SimRelayBoard } from "../../firmware-sim/sim-relay-board.ts";
import { serialRelay } from "../../gateway/drivers/serial-relay/driver.ts";
import { serialScanner } from "../../gateway/drivers/serial-scanner/driver.ts";
import type { DriverContext } from "../../gateway/ports/driver.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { systemClock as clock } from "../../gateway/system-clock.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { missing } from "../support/needs.ts";
import { aCredential, aGrant, aPage, aSite, grantRow, siteRow } from "../support/site-fixture.ts";
import { until } from "../support/until.ts";
import { startSiteOf } from "./bench-site.ts";
import { type Benchmark, median, percentile, type Row, row } from "./row.ts";

const scans = 200;
const warmUp = 32;
/** One scan after the other, no faster than a device may report (flows/flood-gate.ts). */
const holdMs = 250;
const uid = "VIS-10482-KQX";
const told = "scan at a pty → relay frame at the other pty";

export const benchmark: Benchmark = {
  name: "unattended-gate",
  async run() {
    const absent = missing("socat");
    if (absent) return [row(`${told}, p99`, Number.NaN, "ms", `≤ 15 ms; ${absent}`, null)];
    const folder = await mkdtemp(join(tmpdir(), "postern-bench-"));
    try {
      return await measure(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(folder: string): Promise<Row[]> {
  const board = new SimRelayBoard(1);
  const [scannerPath, relayPath] = [join(folder, "usb-scanner"), join(folder, "usb-relay")];
  const faults = new Faults();
  const scanner = new SerialScannerLink({ clock, path: scannerPath, faults, end: "\r\n" });
  const relay = new SerialRelayLink({ board, clock, path: relayPath, faults, tellsStatus: false });
  await Promise.all([scanner.plug(), relay.plug()]);
  const devices = [
    serialScanner.create("gate-scanner", { port: scannerPath, repeatMs: 0 }, context),
    serialRelay.create("gate-relay", { port: relayPath }, context),
  ];
  const site = await startSiteOf(join(folder, "gateway"), devices, [
    { id: "gate", name: "Gate", lock: "gate-relay", readers: ["gate-scanner"], holdMs },
  ]);
  try {
    await until("both are online", () => devices.every((device) => device.status().link === "online"));
    const page = aPage([siteRow(aSite()), grantRow(aStay())]);
    await site.parts.journal.record({ kind: "page", page, at: clock.wall() }).durable;
    const took: number[] = [];
    for (let scan = 0; scan < scans + warmUp; scan += 1) {
      const began = performance.now();
      await becomes(board, true, () => scanner.scan(uid));
      if (scan >= warmUp) took.push(performance.now() - began);
      if (board.isOn(1)) await becomes(board, false, () => undefined);
    }
    const p99 = percentile(took, 0.99);
    return [
      row(`${told}, p50`, median(took), "ms", "told beside p99", null),
      row(`${told}, p99`, p99, "ms", "≤ 15 ms", p99 <= 15),
    ];
  } finally {
    await site.stop();
    await Promise.all([scanner.pull(), relay.pull()]);
  }
}

const context: DriverContext = {
  clock,
  logger: silentLogger,
  mqtt: {
    publish: async () => false,
    onMessage: () => () => undefined,
    onSubscribed: () => () => undefined,
    onConnection: () => () => undefined,
  },
  secret: () => undefined,
};

function aStay() {
  const seal = new CredentialSeal("site-1", new Uint8Array(32));
  const now = clock.wall();
  return aGrant("guest", {
    kind: "stay",
    accessPoints: ["gate"],
    validity: { from: now - 3_600_000, until: now + 3_600_000 },
    credentials: [aCredential(seal.index("pass", uid), { id: "pass", kind: "pass" })],
  });
}

function becomes(board: SimRelayBoard, on: boolean, act: () => void): Promise<void> {
  return new Promise((resolve) => {
    const stop = board.onChange((_, isOn) => {
      if (isOn !== on) return;
      stop();
      resolve();
    });
    act();
  });
}
