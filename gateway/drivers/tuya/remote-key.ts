/**
 * The raw data point by which a Bluetooth lock is opened from afar with a key of eight characters, and what it answers. Integers are
 * big-endian; on the LAN the bytes travel in base64.
 */
import type { SecretString } from "../../wire/secret.ts";

const unlockAction = 1;
/** Who asks: 1 is the app. */
const source = 1;

/** What the lock answered on the same data point. "unknown": it tried and did not get there, wherever the bolt is now. */
export type KeyAnswer = "taken" | "refused" | "unknown";

export function unlockWithKey(key: SecretString, member: number): string {
  const bytes = Buffer.alloc(13);
  bytes.writeUInt8(unlockAction, 0);
  bytes.writeUInt16BE(member, 1);
  bytes.write(key.reveal(), 3, 8, "ascii");
  bytes.writeUInt16BE(source, 11);
  return bytes.toString("base64");
}

/** undefined when it is no answer to this member, such as our own request reported back. */
export function readKeyAnswer(value: unknown, member: number): KeyAnswer | undefined {
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== 3 || bytes.readUInt16BE(1) !== member) return undefined;
  const [status] = bytes;
  if (status === 0) return "taken";
  return status === 1 || status === 3 ? "unknown" : "refused"; // failed, timed out; wrong key or code, outside hours, double-locked
}
