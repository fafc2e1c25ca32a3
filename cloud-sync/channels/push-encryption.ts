/** A message for one browser alone: the push service between cannot read it. RFC 8291 (keys), RFC 8188 (aes128gcm, one record). */
import { createCipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from "node:crypto";

const curve = "prime256v1";
const recordBytes = 4_096;
const tagBytes = 16;
/** With the header, what every push service takes. */
export const plaintextBytesMax = 3_000;

export interface BrowserKeys {
  /** A point of P-256, uncompressed, base64url. */
  readonly p256dh: string;
  /** 16 bytes, base64url. */
  readonly auth: string;
}

/** What would be chosen at random; given by those who compare with a known message. */
interface Chosen {
  readonly sender: ECDH;
  readonly salt: Buffer;
}

function chooseAnew(): Chosen {
  const sender = createECDH(curve);
  sender.generateKeys();
  return { sender, salt: randomBytes(16) };
}

/** Throws for keys that no browser has; see areBrowserKeys(). */
export function encryptFor({ p256dh, auth }: BrowserKeys, text: string, chosen = chooseAnew()): Buffer<ArrayBuffer> {
  const plaintext = Buffer.from(text);
  if (plaintext.length > plaintextBytesMax) throw new Error(`a push message has at most ${plaintextBytesMax} bytes`);
  const { sender, salt } = chosen;
  const browser = Buffer.from(p256dh, "base64url");
  const own = sender.getPublicKey();
  const shared = sender.computeSecret(browser);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), browser, own]);
  const secret = Buffer.from(hkdfSync("sha256", shared, Buffer.from(auth, "base64url"), info, 32));
  const derived = (purpose: string, length: number) =>
    Buffer.from(hkdfSync("sha256", secret, salt, `Content-Encoding: ${purpose}\0`, length));
  const cipher = createCipheriv("aes-128-gcm", derived("aes128gcm", 16), derived("nonce", 12), {
    authTagLength: tagBytes,
  });
  // 2: the last record, without padding.
  const body = Buffer.concat([cipher.update(plaintext), cipher.update(Buffer.from([2])), cipher.final()]);
  const header = Buffer.alloc(21);
  salt.copy(header);
  header.writeUInt32BE(recordBytes, 16);
  header[20] = own.length;
  return Buffer.concat([header, own, body, cipher.getAuthTag()]);
}

export function areBrowserKeys({ p256dh, auth }: BrowserKeys): boolean {
  try {
    const probe = createECDH(curve);
    probe.generateKeys();
    probe.computeSecret(Buffer.from(p256dh, "base64url"));
    return Buffer.from(p256dh, "base64url").length === 65 && Buffer.from(auth, "base64url").length === 16;
  } catch {
    return false;
  }
}
