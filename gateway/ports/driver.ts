/** How a device comes into being: drivers/index.ts maps a driver's name to one of these. */
import type { DeviceId } from "../domain/access-point.ts";
import type { SecretString } from "../wire/secret.ts";
import type { Clock } from "./clock.ts";
import type { Device } from "./device.ts";
import type { Logger } from "./logger.ts";
import type { MqttLink } from "./mqtt-link.ts";

export interface DriverContext {
  readonly clock: Clock;
  /** Names the device on every line. */
  readonly logger: Logger;
  /** The device's line through the site's broker. */
  readonly mqtt: MqttLink;
  /** From the secrets file or the environment, by the name the driver's README gives; undefined when absent. */
  secret(name: string): SecretString | undefined;
}

export interface DriverFactory {
  /**
   * Parses `options` strictly. Throws `config-invalid` naming the key, relative to the device's `options`. Has no effect beyond that.
   */
  create(id: DeviceId, options: unknown, context: DriverContext): Device;
}
