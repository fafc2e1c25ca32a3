/** The driver ring with its child process, and Ring's service as the simulator plays it on a real socket; time is the real one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { inspect } from "node:util";
import { Faults } from "../../firmware-sim/faults.ts";
import { RingServer } from "../../firmware-sim/links/ring.ts";
import { SimRingIntercom } from "../../firmware-sim/sim-ring-intercom.ts";
import { SimRingLock } from "../../firmware-sim/sim-ring-lock.ts";
import { ring } from "../../gateway/drivers/ring/driver.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import type { MqttLink } from "../../gateway/ports/mqtt-link.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { MemoryVault } from "./memory-vault.ts";
import { ToldClock } from "./told-clock.ts";
import { until } from "./until.ts";

export const firstToken = "refresh-token-of-the-secrets-file";
export const lockId = "zid-front";
export const intercomId = 4711;
export const deadlineMs = 12_000;
const redirect = new URL("../../firmware-sim/links/ring-redirect.ts", import.meta.url).href;

/** Ring's service runs, its hub does not, and nothing is started. The library's process talks to it and to nobody else. */
export async function givenRing(t: TestContext) {
  const lock = new SimRingLock({ zid: lockId, name: "Front door", clock: systemClock, motorMs: 50 });
  const intercom = new SimRingIntercom({ id: intercomId, name: "Street door", clock: systemClock, strikeMs: 50 });
  const faults = new Faults();
  const server = new RingServer({
    places: [{ id: "place-1", name: "Calle Mayor 1", hub: { uuid: "hub-1", locks: [lock] }, intercoms: [intercom] }],
    refreshToken: firstToken,
    clock: systemClock,
    faults,
  });
  const { url, ca } = await server.start();
  const folder = await mkdtemp(join(tmpdir(), "ring-"));
  const authority = join(folder, "ca.pem");
  await writeFile(authority, ca);
  Object.assign(process.env, {
    POSTERN_RING_ENV_NODE_OPTIONS: `--import ${redirect}`,
    POSTERN_RING_ENV_NODE_EXTRA_CA_CERTS: authority,
    POSTERN_RING_ENV_POSTERN_RING_SIM_URL: url,
  });
  t.after(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });
  return { lock, intercom, faults, server, hub: server.hub("place-1"), folder };
}

export async function givenRingSite(t: TestContext, options: object = {}) {
  const world = await givenRing(t);
  world.hub.lose();
  const clock = new ToldClock(deadlineMs, 1);
  const logged: string[] = [];
  const vault = new MemoryVault();
  const context = {
    clock,
    vault,
    logger: recorder(logged),
    mqtt: noMqtt,
    secret: (name: string) => (name === "refreshToken" ? new SecretString(firstToken) : undefined),
  };
  const make = (more: object): Device => {
    const device = ring.create("front", { deadlineMs, ...more }, context);
    t.after(() => device.stop());
    return device;
  };
  const device = make({ kind: "lock", device: lockId, ...options });
  return {
    ...{ ...world, clock, context, vault, logged, device, make },
    appear: async () => {
      world.hub.comeBack();
      await until("the device is online", () => device.status().link === "online");
    },
  };
}

export function collect(device: Device): DeviceReport[] {
  const reports: DeviceReport[] = [];
  device.subscribe(async (report) => {
    reports.push(report);
  });
  return reports;
}

function recorder(lines: string[]): Logger {
  const write = (level: string) => (event: string, fields?: LogFields) => {
    lines.push(`${level} ${event} ${inspect(fields, { depth: 10, showHidden: true })}`);
  };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => logger,
  };
  return logger;
}

const noMqtt: MqttLink = {
  publish: async () => false,
  onMessage: () => () => undefined,
  onSubscribed: () => () => undefined,
  onConnection: () => () => undefined,
};
