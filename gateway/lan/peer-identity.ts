/**
 * How a gateway shows itself to its peers: a certificate it signs itself, around the Ed25519 key it was enrolled with. Names, dates
 * and issuers in it mean nothing; who the key belongs to says the site feed. So no clock can make it invalid.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { GatewayId } from "../domain/grant.ts";
import { writeCertificate } from "../wire/certificate.ts";
import type { SecretString } from "../wire/secret.ts";

/** RFC 5280 §4.1.2.5: the date that stands for "no end". */
const noEnd = Date.UTC(9999, 11, 31, 23, 59, 59);

/** `privateKey`: Ed25519, PKCS #8 in PEM. */
export function peerIdentity(gateway: GatewayId, privateKey: SecretString): SecureContextOptions {
  const key = createPrivateKey(privateKey.reveal());
  const cert = writeCertificate({
    name: gateway,
    publicKey: createPublicKey(key),
    issuer: gateway,
    issuerKey: key,
    from: 0,
    until: noEnd,
    use: { kind: "peer" },
  });
  return { key: privateKey.reveal(), cert, minVersion: "TLSv1.3", maxVersion: "TLSv1.3" };
}

/** The key the other side has proven to hold, as PeerGateway.publicKey spells it; undefined: none, or none of ours. */
export function keyOf(socket: TLSSocket): string | undefined {
  let key: KeyObject | undefined;
  try {
    key = socket.getPeerX509Certificate()?.publicKey;
  } catch {
    return undefined; // a kind of key that OpenSSL cannot read
  }
  return key?.asymmetricKeyType === "ed25519" ? key.export({ format: "jwk" }).x : undefined;
}
