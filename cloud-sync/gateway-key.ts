/** What a gateway signs, by the public key it enrolled with. */
import { createPublicKey, type KeyObject, verify } from "node:crypto";

const keptMax = 1_000;
/** Reading a key takes as long as a look at a signature. Those used last are the last. */
const kept = new Map<string, KeyObject>();

/** `publicKey`: Ed25519, the x of its JWK. */
export function gatewayKey(publicKey: string): KeyObject {
  const key =
    kept.get(publicKey) ?? createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: publicKey }, format: "jwk" });
  kept.delete(publicKey);
  kept.set(publicKey, key);
  if (kept.size > keptMax) kept.delete(kept.keys().next().value!);
  return key;
}

export function isSigned(publicKey: string, statement: string, signature: string): boolean {
  return verify(null, Buffer.from(statement), gatewayKey(publicKey), Buffer.from(signature, "base64url"));
}
