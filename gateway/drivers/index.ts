/**
 * Every driver the gateway knows, by the name a site file calls it. Adding one is one line here. Each is loaded when a device wants it,
 * so that a site does not pay for what it does not have.
 */
import type { DriverFactory } from "../ports/driver.ts";

const drivers: Readonly<Record<string, () => Promise<DriverFactory>>> = {
  brivo: async () => (await import("./brivo/driver.ts")).brivo,
  kisi: async () => (await import("./kisi/driver.ts")).kisi,
  "mqtt-lockbox": async () => (await import("./mqtt-lockbox/driver.ts")).mqttLockbox,
  nuki: async () => (await import("./nuki/driver.ts")).nuki,
  "nuki-mqtt": async () => (await import("./nuki-mqtt/driver.ts")).nukiMqtt,
  ring: async () => (await import("./ring/driver.ts")).ring,
  "serial-relay": async () => (await import("./serial-relay/driver.ts")).serialRelay,
  "serial-scanner": async () => (await import("./serial-scanner/driver.ts")).serialScanner,
  shelly: async () => (await import("./shelly/driver.ts")).shelly,
  tuya: async () => (await import("./tuya/driver.ts")).tuya,
};

export const driverNames: readonly string[] = Object.keys(drivers);

/** undefined when no driver has that name. */
export async function loadDriver(name: string): Promise<DriverFactory | undefined> {
  return Object.hasOwn(drivers, name) ? drivers[name]?.() : undefined;
}
