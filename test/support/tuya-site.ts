/** A Tuya driver and a simulated lock on a real socket: directly, or behind a gateway, in one of the protocol's versions. */
import type { TestContext } from "node:test";
import { Faults } from "../../firmware-sim/faults.ts";
import { TuyaServer } from "../../firmware-sim/links/tuya.ts";
import { SimTuyaLock, type SimTuyaLockOptions } from "../../firmware-sim/sim-tuya-lock.ts";
import { tuya } from "../../gateway/drivers/tuya/driver.ts";
import type { Version } from "../../gateway/drivers/tuya/library.ts";
import type { Device, DeviceReport } from "../../gateway/ports/device.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimClock } from "./sim-clock.ts";
import { ToldClock } from "./told-clock.ts";
import { until } from "./until.ts";

export const localKey = "0123456789abcdef";
export const remoteKey = "13572468";
const deviceId = "bf0123456789abcdefghij";
export const deadlineMs = 4_000;

/** A board that switches a strike by one boolean data point, true when secured. */
export const switchProfile = {
  unlock: { by: "write", dp: 104, value: false },
  lock: { dp: 104, value: true },
  relocks: "when-told",
  bolt: { dp: 104, released: false, secured: true },
  door: { dp: 34, open: true, closed: false },
  alarm: { dp: 23, pried: ["pry"], jammed: ["tongue_bad", "tongue_not_out"] },
  openings: { 11: "code" },
} as const;

export interface TuyaSiteOptions {
  readonly version: Version;
  readonly profile?: unknown;
  readonly family?: SimTuyaLockOptions["family"];
  readonly lock?: Partial<SimTuyaLockOptions>;
  /** Node ids of the locks behind a gateway, one driver each; without them the lock is on the LAN by itself. */
  readonly cids?: readonly string[];
  /** What the driver holds for the local key. */
  readonly heldKey?: string;
  readonly heldRemoteKey?: string;
}

export interface LogLine {
  readonly event: string;
  readonly fields: LogFields | undefined;
}

/** The server listens nowhere yet, and nothing is started. */
export async function givenTuyaSite(t: TestContext, options: TuyaSiteOptions) {
  const { version, profile = "bluetooth", family = "bluetooth", cids = [] } = options;
  const clock = new ToldClock(deadlineMs);
  const simClock = new SimClock(Date.UTC(2031, 2, 4, 12));
  const faults = new Faults();
  const key = { member: 1, from: 0, until: 2 ** 32 - 1, uses: 0, key: remoteKey };
  const aLock = () => new SimTuyaLock({ family, clock: simClock, remoteKey: key, ...options.lock });
  const made: Readonly<Record<string, SimTuyaLock>> = Object.fromEntries(cids.map((cid) => [cid, aLock()]));
  const alone = aLock();
  const server = new TuyaServer({
    ...{ id: deviceId, key: localKey, version, clock: simClock, faults },
    ...(cids.length > 0 ? { locks: made } : { lock: alone }),
  });
  const { host, port } = await server.start();
  await server.stop();

  const logged: LogLine[] = [];
  const logger = recorder(logged);
  const secrets: Readonly<Record<string, string>> = {
    localKey: options.heldKey ?? localKey,
    remoteKey: options.heldRemoteKey ?? remoteKey,
  };
  const aDevice = (cid: string | undefined, heldKey?: string): Device =>
    tuya.create(
      cid ?? "door",
      { host, port, version, deviceId, profile, deadlineMs, ...(cid !== undefined && { cid }) },
      {
        clock,
        logger,
        mqtt: {
          publish: async () => false,
          onMessage: () => () => undefined,
          onSubscribed: () => () => undefined,
          onConnection: () => () => undefined,
        },
        secret: (name) => {
          const value = name === "localKey" ? (heldKey ?? secrets[name]) : secrets[name];
          return value === undefined ? undefined : new SecretString(value);
        },
      },
    );
  const devices = cids.length > 0 ? cids.map((cid) => aDevice(cid)) : [aDevice(undefined)];
  const device = devices[0]!;
  t.after(async () => {
    for (const each of devices) await each.stop();
    await server.stop();
  });
  return {
    ...{ device, devices, server, clock, faults, logged, aDevice },
    lock: cids.length > 0 ? made[cids[0]!]! : alone,
    locks: made,
    /** The lock's side comes up; resolves when every driver has heard of its lock. */
    appear: async () => {
      await server.start();
      await until("the locks are online", () => devices.every((each) => each.status().link === "online"));
    },
    vanish: async () => {
      await server.stop();
      await until("the driver notices", () => device.status().link === "offline");
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

function recorder(lines: LogLine[]): Logger {
  const write = (event: string, fields?: LogFields) => void lines.push({ event, fields });
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  return logger;
}
