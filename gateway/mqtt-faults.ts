/** What the devices' MQTT dialects, all together and with the broker's settings, may not be. Pure; the start and `postern check-config` ask. */
import { objectionTo, touch } from "./broker/permissions.ts";
import { isPrivateAddress } from "./broker/private-address.ts";
import type { MqttDialect } from "./ports/mqtt-link.ts";

export interface MqttFault {
  /** In the gateway's file. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

interface BrokerPorts {
  readonly plainPort?: number | undefined;
  readonly plainLan?: { readonly host: string } | undefined;
}

/** In the order of the gateway's file. */
export interface MqttUser {
  readonly id: string;
  /** undefined: it does not talk through the broker. */
  readonly dialect: MqttDialect | undefined;
  readonly hasPassword: boolean;
}

export function mqttFaults({ plainPort, plainLan }: BrokerPorts, devices: readonly MqttUser[]): MqttFault[] {
  const faults: MqttFault[] = [];
  const unencrypted = devices.filter(({ dialect }) => dialect?.tls === "never");
  const named = unencrypted.map(({ id }) => id).join(", ");
  if (plainLan && !isPrivateAddress(plainLan.host)) {
    const message = `"${plainLan.host}" is no address of a private network; expected this machine's own, such as 192.168.1.10`;
    faults.push({ path: ["broker", "plainLan", "host"], message });
  } else if (plainLan && unencrypted.length === 0) {
    const message = "no device here needs it; leave it out, because passwords cross the LAN unencrypted";
    faults.push({ path: ["broker", "plainLan"], message });
  } else if (!plainLan && plainPort === undefined && unencrypted.length > 0) {
    const message = `is missing; the firmware of ${named} knows no TLS and needs host and port on the LAN, such as { host: 192.168.1.10, port: 1883 }`;
    faults.push({ path: ["broker", "plainLan"], message });
  }
  for (const [index, { id, dialect, hasPassword }] of devices.entries()) {
    if (!dialect) continue;
    const path = ["devices", index, "options"];
    const objection = objectionTo(dialect);
    if (objection) faults.push({ path, message: objection });
    const other = devices.slice(0, index).find((earlier) => earlier.dialect && touch(earlier.dialect, dialect));
    if (other) {
      const message = `its topics begin with "${dialect.base}", those of "${other.id}" with "${other.dialect?.base}"; neither may begin like the other`;
      faults.push({ path, message });
    }
    if (dialect.tls === "never" && !hasPassword) {
      const message = `secret "password" of ${id} is missing; its firmware knows no TLS and has no other proof`;
      faults.push({ path: ["devices", index], message });
    }
  }
  return faults;
}
