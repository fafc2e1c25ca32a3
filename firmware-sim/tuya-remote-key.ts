/**
 * The key with which a Tuya Bluetooth lock is opened from afar: written once, named at every use. Bytes in base64, as tuya-local's lock
 * entity reads and writes them (make-all/tuya-local, custom_components/tuya_local/lock.py, mid 2026).
 */

export interface RemoteKey {
  readonly member: number;
  /** Eight characters. */
  readonly key: string;
  /** Unix seconds; valid from … until. */
  readonly from: number;
  readonly until: number;
  /** 0: any number of times. */
  readonly uses: number;
}

export interface RemoteKeyUse {
  readonly action: "lock" | "unlock";
  readonly member: number;
  readonly key: string;
}

export const remoteKeyStatus = { ok: 0, failed: 1, wrongKey: 2, outsideHours: 4, doubleLocked: 6 } as const;

const keyLength = 8;
const setLength = 21;
const useLength = 13;

/** valid 1 (0) · member 2 · start 4 · end 4 · count 2 · key 8. undefined: not such a key. */
export function readRemoteKey(base64: string): RemoteKey | undefined {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length !== setLength || bytes[0] !== 0) return undefined;
  return {
    member: bytes.readUInt16BE(1),
    from: bytes.readUInt32BE(3),
    until: bytes.readUInt32BE(7),
    uses: bytes.readUInt16BE(11),
    key: bytes.toString("latin1", 13, 13 + keyLength),
  };
}

/** action 1 (0 lock, 1 unlock) · member 2 · key 8 · source 2. undefined: not such a use. */
export function readRemoteKeyUse(base64: string): RemoteKeyUse | undefined {
  const bytes = Buffer.from(base64, "base64");
  const [action] = bytes;
  if (bytes.length !== useLength || (action !== 0 && action !== 1)) return undefined;
  return {
    action: action === 1 ? "unlock" : "lock",
    member: bytes.readUInt16BE(1),
    key: bytes.toString("latin1", 3, 3 + keyLength),
  };
}

/** status 1 · member 2. */
export function remoteKeyAnswer(status: number, member: number): string {
  const bytes = Buffer.alloc(3);
  bytes.writeUInt8(status, 0);
  bytes.writeUInt16BE(member, 1);
  return bytes.toString("base64");
}
