/** How a device comes into being: drivers/index.ts maps a driver's name to one of these. */
import type { z } from "zod";
import type { DeviceId } from "../domain/access-point.ts";
import { GatewayError } from "../errors.ts";
import type { SecretString } from "../wire/secret.ts";
import type { Clock } from "./clock.ts";
import type { Device } from "./device.ts";
import type { Logger } from "./logger.ts";
import type { MqttLink } from "./mqtt-link.ts";
import type { Vault } from "./vault.ts";

export interface DriverContext {
  readonly clock: Clock;
  /** Names the device on every line. */
  readonly logger: Logger;
  /** The device's line through the site's broker. */
  readonly mqtt: MqttLink;
  /**
   * From the secrets file or the environment, else as the cloud was given it, by the name the driver's README gives; undefined when absent. What the
   * cloud was given is there only once the device starts, and may come, change and go: a driver that can do with that asks each time.
   */
  secret(name: string): SecretString | undefined;
  /** The same for all devices of a gateway. Absent where options are only looked at and nothing is started. */
  readonly vault?: Vault;
}

export interface DriverFactory {
  /**
   * Parses `options` strictly. Throws `config-invalid` naming the key, relative to the device's `options`. Has no effect beyond that.
   */
  create(id: DeviceId, options: unknown, context: DriverContext): Device;
}

/** A device's options by its driver's schema. Throws `config-invalid` that names the first key that is wrong; `help` may add what it takes. */
export function parseDriverOptions<Options>(
  schema: z.ZodType<Options>,
  options: unknown,
  help: (key: string) => string = () => "",
): Options {
  const parsed = schema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const key = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
  const message = `${key || "options"}: ${issue?.message ?? "not understood"}${help(key)}`;
  throw new GatewayError("config-invalid", message, { key });
}
