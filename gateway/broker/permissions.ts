/**
 * Who may say and hear what on the site's broker. A device speaks and hears on the topics of its own dialect; nothing else, and no wildcard,
 * exists for it. Pure: the broker asks, this answers.
 */
import type { DeviceId } from "../domain/access-point.ts";
import type { MqttDialect } from "../ports/mqtt-link.ts";

/** Devices' ids are client ids, user names, topic levels and certificate names alike, so they are kept plain. */
const deviceIdPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** A client id with such an ending is a second line of a device: it speaks for the device and hears nothing. */
const secondLineEnding = /\.pub[0-9]?$/;

export function isDeviceId(text: string): boolean {
  return deviceIdPattern.test(text);
}

export interface ClientName {
  readonly device: DeviceId;
  /** "own": the device's connection, which is commanded and whose end is the device's going · "second": for clients that can only publish. */
  readonly line: "own" | "second";
}

/** undefined: no device can have this client id. */
export function readClientId(clientId: string): ClientName | undefined {
  const device = clientId.replace(secondLineEnding, "");
  return isDeviceId(device) ? { device, line: device === clientId ? "own" : "second" } : undefined;
}

export interface Permissions {
  readonly publish: ReadonlySet<string>;
  /** Compared with the filter itself, not with what the filter matches. */
  readonly subscribe: ReadonlySet<string>;
  /** The only topic of a last will. */
  readonly will: string | undefined;
  /** See MqttDialect.ignores. */
  readonly ignores: readonly string[];
  /** undefined: what is usual. */
  readonly packetBytesMax: number | undefined;
}

export function permissionsOf(line: ClientName["line"], dialect: MqttDialect): Permissions {
  const whole = (name: string) => `${dialect.base}/${name}`;
  const own = line === "own";
  return {
    publish: new Set(dialect.publishes.map(whole)),
    subscribe: new Set(own ? dialect.subscribes.map(whole) : []),
    will: own && dialect.will !== undefined ? whole(dialect.will) : undefined,
    ignores: dialect.ignores,
    packetBytesMax: dialect.packetBytesMax,
  };
}

/** Whether a publish or a subscription that is not permitted is not held against the device either. */
export function isIgnored({ ignores }: Permissions, topic: string): boolean {
  return ignores.some((base) => isAtOrBelow(topic, base));
}

/** Why a dialect cannot be spoken here; undefined when it can. */
export function objectionTo(dialect: MqttDialect): string | undefined {
  const { base, publishes, subscribes, will, ignores, packetBytesMax = 0 } = dialect;
  const topics = [...publishes, ...subscribes].map((name) => `${base}/${name}`);
  const unfit = [base, ...topics, ...ignores].find((topic) => !isTopic(topic));
  if (unfit !== undefined) return `"${unfit}" cannot be a topic here: 1 to ${levelsMax} levels, no + and no #`;
  if (will !== undefined && !publishes.includes(will)) return `the last will "${will}" is not among what it publishes`;
  if (packetBytesMax > packetBytesEver) return `packets of ${packetBytesMax} bytes are more than ${packetBytesEver}`;
  return undefined;
}

/** Two dialects of which one device could say or hear what is the other's. */
export function touch(one: MqttDialect, other: MqttDialect): boolean {
  return isAtOrBelow(one.base, other.base) || isAtOrBelow(other.base, one.base);
}

const packetBytesEver = 131_072;
/** aedes ends the connection at more (broker.ts). */
export const levelsMax = 8;

function isTopic(text: string): boolean {
  const levels = text.split("/");
  return text.length <= 256 && levels.length <= levelsMax && /^[^$]/.test(text) && levels.every(isLevel);
}

function isLevel(text: string): boolean {
  return /^[^+#\p{Cc}]+$/u.test(text);
}

function isAtOrBelow(topic: string, base: string): boolean {
  return topic === base || topic.startsWith(`${base}/`);
}
