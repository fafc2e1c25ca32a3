/** Every driver the gateway knows, by the name a site file calls it. Adding one is one line here. */
import type { DriverFactory } from "../ports/driver.ts";
import { mqttLockbox } from "./mqtt-lockbox/driver.ts";

export const drivers = {
  "mqtt-lockbox": mqttLockbox,
} as const satisfies Record<string, DriverFactory>;
