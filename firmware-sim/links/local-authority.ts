/** A certificate for a simulated service on loopback, and the authority that signed it, which its clients are to trust. */
import { createPublicKey } from "node:crypto";
import { newKey, writeCertificate } from "../../gateway/wire/certificate.ts";

export interface LocalIdentity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** PEM of the authority; in a child process, the content of the file that NODE_EXTRA_CA_CERTS names. */
  readonly ca: string;
}

/** Whatever time a simulation plays, the client's TLS looks at the true one. */
const from = Date.UTC(2020, 0, 1);
const until = Date.UTC(2049, 0, 1);
const issuer = "Postern simulator";

export function localIdentity(hosts: readonly string[]): LocalIdentity {
  const [caKey, key] = [newKey(), newKey()];
  const signed = { issuer, issuerKey: caKey, from, until };
  const ca = writeCertificate({
    ...signed,
    name: issuer,
    publicKey: createPublicKey(caKey),
    use: { kind: "authority" },
  });
  const name = hosts[0] ?? "localhost";
  const cert = writeCertificate({ ...signed, name, publicKey: createPublicKey(key), use: { kind: "server", hosts } });
  return { key: key.export({ type: "pkcs8", format: "pem" }) as string, cert, ca };
}
