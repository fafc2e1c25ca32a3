/**
 * Tuya's frames on the LAN, versions 3.1, 3.3, 3.4 and 3.5, as a device reads and writes them. Pure: bytes in, values out. Pinned by
 * test/wire/golden/tuya-frames.json.
 *
 * Up to 3.4: 000055AA | number 4 | command 4 | length 4 | [return code 4, from devices only] | payload | check | 0000AA55, where the check is a
 * CRC-32, in 3.4 an HMAC-SHA-256. 3.5: 00006699 | 0000 | number 4 | command 4 | length 4 | nonce 12 | sealed by AES-GCM | tag 16 | 00009966,
 * with the return code inside. Integers are big-endian; a length counts all that follows it.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

export type TuyaVersion = "3.1" | "3.3" | "3.4" | "3.5";

export const tuyaCommands = {
  sessionStart: 3,
  sessionResponse: 4,
  sessionFinish: 5,
  control: 7,
  status: 8,
  heartbeat: 9,
  query: 10,
  controlNew: 13,
  queryNew: 16,
  refresh: 18,
} as const;

export interface TuyaMessage {
  /** Sequence number, 32 bits. */
  readonly seq: number;
  readonly command: number;
  /** Without version header and return code, in clear. */
  readonly body: Buffer;
  /** Devices send one, 0 for success; clients none. */
  readonly returnCode?: number;
}

export interface TuyaSeal {
  readonly version: TuyaVersion;
  /** 16 bytes: the local key, or the session's key once it has one. */
  readonly key: Buffer;
}

/** A frame that is no frame, or not under this key. */
export class TuyaFrameError extends Error {
  override readonly name = "TuyaFrameError";
}

const oldPrefix = 0x0000_55aa;
const oldSuffix = 0x0000_aa55;
const newPrefix = 0x0000_6699;
const newSuffix = 0x0000_9966;
const oldHeadLength = 16;
const newHeadLength = 18;
const nonceLength = 12;
const tagLength = 16;
const versionHeaderLength = 15;
/** Longer than any frame of a device with a few hundred data points. */
const frameLengthMax = 16_384;

/** Commands whose body goes without a version header, in 3.3 and in the versions with a session. */
const bareIn33 = new Set<number>([tuyaCommands.query, tuyaCommands.refresh]);
const bareInSession = new Set<number>([
  tuyaCommands.query,
  tuyaCommands.queryNew,
  tuyaCommands.refresh,
  tuyaCommands.heartbeat,
  tuyaCommands.sessionStart,
  tuyaCommands.sessionResponse,
  tuyaCommands.sessionFinish,
]);

/** `nonce`: the 12 bytes of a 3.5 frame; a key must never see one twice. Other versions do not look at it. */
export function encodeFrame(message: TuyaMessage, seal: TuyaSeal, nonce: Buffer): Buffer {
  return seal.version === "3.5" ? encodeNew(message, seal, nonce) : encodeOld(message, seal);
}

/** `sender` tells whether a return code is there. Throws TuyaFrameError. */
export function decodeFrame(frame: Buffer, seal: TuyaSeal, sender: "client" | "device"): TuyaMessage {
  return seal.version === "3.5" ? decodeNew(frame, seal, sender) : decodeOld(frame, seal, sender);
}

/** Cuts a stream into whole frames; `rest` is the begun one. Throws TuyaFrameError where no frame can begin. */
export function splitFrames(stream: Buffer): { readonly frames: readonly Buffer[]; readonly rest: Buffer } {
  const frames: Buffer[] = [];
  let rest = stream;
  while (rest.length >= 4) {
    const prefix = rest.readUInt32BE(0);
    if (prefix !== oldPrefix && prefix !== newPrefix) throw new TuyaFrameError("no frame begins here");
    const headLength = prefix === oldPrefix ? oldHeadLength : newHeadLength;
    if (rest.length < headLength) break;
    const follows = rest.readUInt32BE(headLength - 4);
    const length = headLength + follows + (prefix === newPrefix ? 4 : 0);
    if (length > frameLengthMax) throw new TuyaFrameError(`a frame of ${length} bytes is too long`);
    if (rest.length < length) break;
    frames.push(rest.subarray(0, length));
    rest = rest.subarray(length);
  }
  return { frames, rest };
}

/** What one side sends to show that it knows the local key: HMAC-SHA-256 of the other side's 16 random bytes. */
export function sessionProof(localKey: Buffer, nonce: Buffer): Buffer {
  return createHmac("sha256", localKey).update(nonce).digest();
}

/** From the random bytes of client and device. */
export function sessionKey(version: "3.4" | "3.5", localKey: Buffer, ofClient: Buffer, ofDevice: Buffer): Buffer {
  const mixed = Buffer.from(ofClient.map((byte, at) => byte ^ (ofDevice[at] ?? 0)));
  if (version === "3.5")
    return createCipheriv("aes-128-gcm", localKey, ofClient.subarray(0, nonceLength)).update(mixed);
  return createCipheriv("aes-128-ecb", localKey, null).setAutoPadding(false).update(mixed);
}

function encodeOld({ seq, command, body, returnCode }: TuyaMessage, seal: TuyaSeal): Buffer {
  const payload = Buffer.concat([codeOf(returnCode), sealOld(command, body, seal)]);
  const checkLength = seal.version === "3.4" ? 32 : 4;
  const checked = Buffer.alloc(oldHeadLength + payload.length);
  checked.writeUInt32BE(oldPrefix, 0);
  checked.writeUInt32BE(seq, 4);
  checked.writeUInt32BE(command, 8);
  checked.writeUInt32BE(payload.length + checkLength + 4, 12);
  payload.copy(checked, oldHeadLength);
  return Buffer.concat([checked, checkOf(checked, seal), uint32(oldSuffix)]);
}

function decodeOld(frame: Buffer, seal: TuyaSeal, sender: "client" | "device"): TuyaMessage {
  const checkLength = seal.version === "3.4" ? 32 : 4;
  const codeLength = sender === "device" ? 4 : 0;
  const checkAt = frame.length - 4 - checkLength;
  if (checkAt < oldHeadLength + codeLength) throw new TuyaFrameError(`${frame.length} bytes are too few for a frame`);
  if (frame.readUInt32BE(0) !== oldPrefix || frame.readUInt32BE(frame.length - 4) !== oldSuffix)
    throw new TuyaFrameError(`no frame of version ${seal.version}`);
  if (!timingSafeEqual(frame.subarray(checkAt, -4), checkOf(frame.subarray(0, checkAt), seal)))
    throw new TuyaFrameError("wrong check sum, or another key");
  const command = frame.readUInt32BE(8);
  const payload = frame.subarray(oldHeadLength + codeLength, checkAt);
  return {
    seq: frame.readUInt32BE(4),
    command,
    body: openOld(payload, seal),
    ...(sender === "device" && { returnCode: frame.readUInt32BE(oldHeadLength) }),
  };
}

function checkOf(checked: Buffer, { version, key }: TuyaSeal): Buffer {
  return version === "3.4" ? createHmac("sha256", key).update(checked).digest() : uint32(crc32(checked));
}

/** An empty acknowledgement stays empty up to 3.3. */
function sealOld(command: number, body: Buffer, { version, key }: TuyaSeal): Buffer {
  if (version === "3.4") return ecb(key, bareInSession.has(command) ? body : withHeader("3.4", body));
  if (body.length === 0) return body;
  if (version === "3.3") {
    const sealed = ecb(key, body);
    return bareIn33.has(command) ? sealed : withHeader("3.3", sealed);
  }
  if (command !== tuyaCommands.control && command !== tuyaCommands.status) return body;
  const sealed = ecb(key, body).toString("base64");
  return Buffer.from(`3.1${signature31(sealed, key)}${sealed}`);
}

function openOld(payload: Buffer, { version, key }: TuyaSeal): Buffer {
  if (version === "3.4") return withoutHeader("3.4", unEcb(key, payload));
  if (version === "3.3") {
    const sealed = withoutHeader("3.3", payload);
    return sealed.length === 0 ? sealed : unEcb(key, sealed);
  }
  if (!payload.subarray(0, 3).equals(Buffer.from("3.1"))) return payload;
  const sealed = payload.subarray(19).toString("latin1");
  if (payload.subarray(3, 19).toString("latin1") !== signature31(sealed, key)) throw new TuyaFrameError("another key");
  return unEcb(key, Buffer.from(sealed, "base64"));
}

function signature31(sealed: string, key: Buffer): string {
  return createHash("md5").update(`data=${sealed}||lpv=3.1||`).update(key).digest("hex").slice(8, 24);
}

function encodeNew({ seq, command, body, returnCode }: TuyaMessage, { key }: TuyaSeal, nonce: Buffer): Buffer {
  const plain = Buffer.concat([codeOf(returnCode), bareInSession.has(command) ? body : withHeader("3.5", body)]);
  const head = Buffer.alloc(newHeadLength);
  head.writeUInt32BE(newPrefix, 0);
  head.writeUInt32BE(seq, 6);
  head.writeUInt32BE(command, 10);
  head.writeUInt32BE(nonceLength + plain.length + tagLength, 14);
  const cipher = createCipheriv("aes-128-gcm", key, nonce).setAAD(head.subarray(4));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([head, nonce, sealed, cipher.getAuthTag(), uint32(newSuffix)]);
}

function decodeNew(frame: Buffer, { key }: TuyaSeal, sender: "client" | "device"): TuyaMessage {
  const sealedAt = newHeadLength + nonceLength;
  const tagAt = frame.length - 4 - tagLength;
  if (tagAt < sealedAt || frame.readUInt32BE(0) !== newPrefix || frame.readUInt32BE(frame.length - 4) !== newSuffix)
    throw new TuyaFrameError("no frame of version 3.5");
  const nonce = frame.subarray(newHeadLength, sealedAt);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce, { authTagLength: tagLength });
  decipher.setAAD(frame.subarray(4, newHeadLength)).setAuthTag(frame.subarray(tagAt, tagAt + tagLength));
  let plain: Buffer;
  try {
    plain = Buffer.concat([decipher.update(frame.subarray(sealedAt, tagAt)), decipher.final()]);
  } catch {
    throw new TuyaFrameError("wrong tag, or another key");
  }
  const codeLength = sender === "device" ? 4 : 0;
  if (plain.length < codeLength) throw new TuyaFrameError("its return code is missing");
  return {
    seq: frame.readUInt32BE(6),
    command: frame.readUInt32BE(10),
    body: withoutHeader("3.5", plain.subarray(codeLength)),
    ...(sender === "device" && { returnCode: plain.readUInt32BE(0) }),
  };
}

/** What follows the version may be zeros, or numbers of the sender: nobody reads it. */
function withHeader(version: TuyaVersion, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(version), Buffer.alloc(versionHeaderLength - version.length), body]);
}

function withoutHeader(version: TuyaVersion, body: Buffer): Buffer {
  return body.subarray(0, version.length).equals(Buffer.from(version)) ? body.subarray(versionHeaderLength) : body;
}

function ecb(key: Buffer, body: Buffer): Buffer {
  const cipher = createCipheriv("aes-128-ecb", key, null);
  return Buffer.concat([cipher.update(body), cipher.final()]);
}

function unEcb(key: Buffer, sealed: Buffer): Buffer {
  const decipher = createDecipheriv("aes-128-ecb", key, null);
  try {
    return Buffer.concat([decipher.update(sealed), decipher.final()]);
  } catch {
    throw new TuyaFrameError("another key");
  }
}

function codeOf(returnCode: number | undefined): Buffer {
  return returnCode === undefined ? Buffer.alloc(0) : uint32(returnCode);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
