/** Has every driver parse its device's options, which has no effect beyond that, and collects what they refuse, each for itself or all together. */
import type { GatewayConfig } from "../config/load.ts";
import { nearest } from "../config/nearest.ts";
import { driverNames, loadDriver } from "../gateway/drivers/index.ts";
import { GatewayError } from "../gateway/errors.ts";
import { mqttFaults } from "../gateway/mqtt-faults.ts";
import type { Device } from "../gateway/ports/device.ts";
import { silentLogger } from "../gateway/ports/logger.ts";
import type { MqttLink } from "../gateway/ports/mqtt-link.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { SecretString } from "../gateway/wire/secret.ts";

export interface DriverFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A line that leads nowhere: nothing is started here. */
const noLine: MqttLink = {
  publish: async () => false,
  onMessage: () => () => undefined,
  onSubscribed: () => () => undefined,
  onConnection: () => () => undefined,
};

export interface DriverFindings {
  readonly faults: readonly DriverFault[];
  /** What is right and may yet surprise somebody, a sentence each. */
  readonly notes: readonly string[];
}

export async function driverFindings(config: GatewayConfig): Promise<DriverFindings> {
  const { devices, broker } = config.settings;
  const made = await Promise.all(devices.map((device, index) => make(device, index, config)));
  const users = made.map(({ device }, index) => {
    const { id } = devices[index]!;
    return { id, dialect: device?.mqtt, hasPassword: config.secrets.ofDevice(id, "password") !== undefined };
  });
  const faults = made.flatMap(({ fault }) => (fault ? [fault] : []));
  // What a device that was refused would say on MQTT nobody knows.
  if (faults.length > 0) return { faults, notes: [] };
  const notes = made.flatMap(({ device }) => {
    // Not started, so it is about what the site file or the secrets lack.
    const told = device && [device.status().attention, device.lock?.noCodes];
    return told?.flatMap((note) => (note === undefined ? [] : [`${device?.id}: ${note}`])) ?? [];
  });
  const places = made.map(({ device }) => device?.codes?.place);
  const shared = places.flatMap((place, index): DriverFault[] => {
    const first = place === undefined ? index : places.indexOf(place);
    if (first === index) return [];
    const message = `${place} is that of "${devices[first]?.id}", too: each door needs one of its own`;
    return [{ path: ["devices", index, "options"], message }];
  });
  return { faults: [...mqttFaults(broker, users), ...shared], notes };
}

async function make(
  { id, driver, options }: GatewayConfig["settings"]["devices"][number],
  index: number,
  { secrets }: GatewayConfig,
): Promise<{ readonly device?: Device; readonly fault?: DriverFault }> {
  const factory = await loadDriver(driver);
  if (!factory) return { fault: { path: ["devices", index, "driver"], message: unknownDriver(driver) } };
  try {
    const device = factory.create(id, options, {
      clock: systemClock,
      logger: silentLogger,
      mqtt: noLine,
      secret: (name) => {
        const value = secrets.ofDevice(id, name);
        return value === undefined ? undefined : new SecretString(value);
      },
    });
    return { device };
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "config-invalid") throw error;
    return { fault: { path: ["devices", index, "options"], message: error.message } };
  }
}

function unknownDriver(driver: string): string {
  const near = nearest(driver, driverNames);
  return `no driver is called "${driver}"; ${near ? `did you mean ${near}?` : `known: ${driverNames.join(", ")}`}`;
}
