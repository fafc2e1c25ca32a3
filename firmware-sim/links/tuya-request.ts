/** What a Tuya device reads in a client's message, and how it words what it tells. Pure: bodies in, bodies out. */
import { type TuyaMessage, type TuyaVersion, tuyaCommands } from "./tuya-frame.ts";

type Values = Readonly<Record<string, unknown>>;

export type TuyaRequest =
  | { readonly kind: "heartbeat" }
  | { readonly kind: "query"; readonly cid: string | undefined }
  | { readonly kind: "refresh"; readonly cid: string | undefined; readonly dps: readonly string[] }
  /** Some clients read single data points by writing null to them. */
  | { readonly kind: "read"; readonly cid: string | undefined; readonly dps: readonly string[] }
  | { readonly kind: "write"; readonly cid: string | undefined; readonly dps: Values }
  /** It names another device. */
  | { readonly kind: "stranger" }
  | { readonly kind: "unreadable" };

/** `id`: the device's own. */
export function readRequest({ command, body }: TuyaMessage, version: TuyaVersion, id: string): TuyaRequest {
  if (command === tuyaCommands.heartbeat) return { kind: "heartbeat" };
  const outer = readObject(body);
  if (!outer) return { kind: "unreadable" };
  const isWrite = command === (hasSession(version) ? tuyaCommands.controlNew : tuyaCommands.control);
  const facts = isWrite && hasSession(version) ? asObject(outer.data) : outer;
  if (!facts) return { kind: "unreadable" };
  const cid = typeof facts.cid === "string" ? facts.cid : undefined;
  if (typeof facts.devId === "string" && facts.devId !== id && facts.devId !== cid) return { kind: "stranger" };
  if (isWrite) {
    const dps = asObject(facts.dps);
    if (!dps || Object.keys(dps).length === 0) return { kind: "unreadable" };
    return Object.values(dps).every((value) => value === null)
      ? { kind: "read", cid, dps: Object.keys(dps) }
      : { kind: "write", cid, dps };
  }
  if (command === (hasSession(version) ? tuyaCommands.queryNew : tuyaCommands.query)) return { kind: "query", cid };
  if (command === tuyaCommands.refresh && Array.isArray(facts.dpId))
    return { kind: "refresh", cid, dps: facts.dpId.map(String) };
  return { kind: "unreadable" };
}

/** `seconds`: unix time. */
export function tellDps(
  dps: Values,
  cid: string | undefined,
  { version, id, seconds }: { readonly version: TuyaVersion; readonly id: string; readonly seconds: number },
): Buffer {
  const of = cid === undefined ? {} : { cid };
  return Buffer.from(
    JSON.stringify(
      hasSession(version)
        ? { protocol: 4, t: seconds, data: { ...of, dps } }
        : { ...(cid === undefined && { devId: id }), ...of, dps, t: seconds },
    ),
  );
}

export function hasSession(version: TuyaVersion): version is "3.4" | "3.5" {
  return version === "3.4" || version === "3.5";
}

function readObject(body: Buffer): Values | undefined {
  try {
    return asObject(JSON.parse(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): Values | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Values) : undefined;
}
