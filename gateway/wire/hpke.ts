/**
 * Sealing to whoever holds a private X25519 key: HPKE (RFC 9180), base mode, one message for each sealing, with DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256 and AES-128-GCM. Of node:crypto alone, and synchronous: Web Crypto's promises would let a key change under whoever asks.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

export const publicKeyBytes = 32;
const secretBytes = 32;
const keyBytes = 16;
const nonceBytes = 12;
const tagBytes = 16;

const kem = "KEM\u0000\u0020";
/** Of the KEM, the KDF and the AEAD. */
const suite = "HPKE\u0000\u0020\u0000\u0001\u0000\u0001";
const version = "HPKE-v1";
const baseMode = Buffer.of(0);
const nothing = Buffer.alloc(0);

/** 32 bytes, as RFC 7748 writes them. */
export function x25519Public(bytes: Uint8Array): KeyObject {
  return createPublicKey({
    key: { kty: "OKP", crv: "X25519", x: Buffer.from(bytes).toString("base64url") },
    format: "jwk",
  });
}

/** What PKCS #8 puts before the 32 bytes of a private X25519 key (RFC 8410). */
const privateHead = Buffer.from("302e020100300506032b656e04220420", "hex");

export function x25519Private(bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([privateHead, bytes]), format: "der", type: "pkcs8" });
}

export function publicBytes(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
}

/** The sender's one-time public key ‖ ciphertext ‖ tag. Throws where `recipient` is of small order. `ephemeral`: for published vectors alone. */
export function hpkeSeal(
  recipient: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plain: Uint8Array,
  ephemeral: KeyObject = generateKeyPairSync("x25519").privateKey,
): Buffer {
  const enc = publicBytes(createPublicKey(ephemeral));
  const shared = diffieHellman({ privateKey: ephemeral, publicKey: x25519Public(recipient) });
  const { key, nonce } = keySchedule(shared, enc, recipient, info);
  const cipher = createCipheriv("aes-128-gcm", key, nonce).setAAD(aad);
  return Buffer.concat([enc, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** undefined when it was not sealed to this key, with this info and aad, or has been altered. */
export function hpkeOpen(
  recipient: KeyObject,
  info: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Buffer | undefined {
  if (sealed.length < publicKeyBytes + tagBytes) return undefined;
  const enc = sealed.subarray(0, publicKeyBytes);
  try {
    const shared = diffieHellman({ privateKey: recipient, publicKey: x25519Public(enc) });
    const { key, nonce } = keySchedule(shared, enc, publicBytes(createPublicKey(recipient)), info);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce).setAAD(aad).setAuthTag(sealed.subarray(-tagBytes));
    return Buffer.concat([decipher.update(sealed.subarray(publicKeyBytes, -tagBytes)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** RFC 9180 §4.1 and §5.1, of the base mode: no pre-shared key, so both of its members are empty. */
function keySchedule(
  shared: Uint8Array,
  enc: Uint8Array,
  recipient: Uint8Array,
  info: Uint8Array,
): { readonly key: Buffer; readonly nonce: Buffer } {
  const both = Buffer.concat([enc, recipient]);
  const secret = expand(kem, extract(kem, nothing, "eae_prk", shared), "shared_secret", both, secretBytes);
  const context = Buffer.concat([
    baseMode,
    extract(suite, nothing, "psk_id_hash", nothing),
    extract(suite, nothing, "info_hash", info),
  ]);
  const root = extract(suite, secret, "secret", nothing);
  return {
    key: expand(suite, root, "key", context, keyBytes),
    nonce: expand(suite, root, "base_nonce", context, nonceBytes),
  };
}

function extract(of: string, salt: Uint8Array, label: string, material: Uint8Array): Buffer {
  return createHmac("sha256", salt).update(`${version}${of}${label}`, "latin1").update(material).digest();
}

/** One block of HKDF's is enough: nothing longer than a hash is asked for. */
function expand(of: string, key: Uint8Array, label: string, info: Uint8Array, bytes: number): Buffer {
  const length = Buffer.of(bytes >> 8, bytes & 0xff);
  return createHmac("sha256", key)
    .update(length)
    .update(`${version}${of}${label}`, "latin1")
    .update(info)
    .update(Buffer.of(1))
    .digest()
    .subarray(0, bytes);
}
