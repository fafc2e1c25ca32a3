/**
 * What a lockbox and the gateway say to each other over MQTT 3.1.1. All topics begin with `postern/<device>/`; nothing is
 * retained; everything is QoS 1 but the heartbeat.
 *
 *   presence   box → gateway  after CONNECT, and as the last will with online:false
 *   heartbeat  box → gateway  every 5 min; two missed: offline
 *   attempt    box → gateway  a code was entered; acknowledged once it is on the gateway's disk
 *   state      box → gateway  bolt and door, at once when either changes and after presence
 *   battery    box → gateway  every 6 h and on change
 *   tamper     box → gateway  at once
 *   reply      box → gateway  the answer to a command, with the state after it
 *   command    gateway → box  signed, with an expiry on the box's own clock, because a box has no other
 *
 * `boot` counts the box's starts, `seq` its messages within a boot, `up` its milliseconds since start when the thing happened;
 * it does not wrap. After CONNECT and SUBSCRIBE presence comes before anything the box kept: only then can anyone say how old that is.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const stamp = { boot: count, seq: count, up: count };
const bolt = z.enum(["released", "secured", "jammed"]);
const door = z.enum(["open", "closed"]);

export const lockboxUplinks = {
  presence: z.discriminatedUnion("online", [
    z.object({ online: z.literal(true), boot: count, up: count, firmware: z.string().max(32).optional() }),
    z.object({ online: z.literal(false) }),
  ]),
  heartbeat: z.object({ boot: count, up: count }),
  attempt: z.object({ ...stamp, kind: z.enum(["pin", "pass", "card"]), value: z.string().min(1).max(64) }),
  state: z.object({ ...stamp, bolt, door }),
  battery: z.object({ ...stamp, percent: z.number().int().min(0).max(100) }),
  tamper: z.object({ ...stamp, active: z.boolean() }),
  reply: z.object({
    ...stamp,
    /** The command's id. */
    id: z.string().min(1).max(64),
    /** "repeated": this id was executed before and was not executed again. */
    result: z.enum(["done", "refused", "expired", "repeated"]),
    bolt,
    door,
  }),
} as const;
export type LockboxUplink = keyof typeof lockboxUplinks;
export type LockboxMessage<T extends LockboxUplink> = z.infer<(typeof lockboxUplinks)[T]>;

const commandFacts = {
  id: z.string().min(1).max(64),
  device: z.string().min(1).max(64),
  /** Only for the boot it was made for, and until then on that boot's clock. */
  boot: count,
  notAfterUp: count,
};

export const lockboxCommandSchema = z.discriminatedUnion("action", [
  z.object({ ...commandFacts, action: z.literal("release"), holdMs: z.number().int().min(100).max(600_000) }),
  z.object({ ...commandFacts, action: z.literal("secure") }),
  z.object({ ...commandFacts, action: z.literal("identify") }),
  z.object({ ...commandFacts, action: z.literal("feedback"), outcome: z.enum(["granted", "denied", "locked-out"]) }),
  z.object({
    ...commandFacts,
    action: z.literal("configure"),
    heartbeatMs: z.number().int().min(1000).optional(),
    batteryMs: z.number().int().min(1000).optional(),
  }),
]);
export type LockboxCommand = z.infer<typeof lockboxCommandSchema>;

export const lockboxTopics = {
  base: (device: string) => `postern/${device}`,
  of: (device: string, name: LockboxUplink | "command") => `postern/${device}/${name}`,
} as const;

const macStart = ',"mac":"';
const macLength = macStart.length + 64 + '"}'.length;

/** The payload of a command: its JSON with a last member "mac", HMAC-SHA-256 in hex over all bytes before `,"mac"`. `key`: 32 bytes. */
export function signCommand(command: LockboxCommand, key: Uint8Array): string {
  const text = JSON.stringify(command).slice(0, -1);
  return `${text}${macStart}${createHmac("sha256", key).update(text).digest("hex")}"}`;
}

/** undefined when the payload is not a command signed with this key for this device. */
export function openCommand(payload: string, device: string, key: Uint8Array): LockboxCommand | undefined {
  const text = payload.slice(0, -macLength);
  const expected = createHmac("sha256", key).update(text).digest();
  const given = Buffer.from(payload.slice(-66, -2), "hex");
  if (payload.slice(-macLength, -66) !== macStart || given.length !== 32 || !timingSafeEqual(given, expected))
    return undefined;
  try {
    const command = lockboxCommandSchema.safeParse(JSON.parse(payload));
    return command.success && command.data.device === device ? command.data : undefined;
  } catch {
    return undefined;
  }
}
