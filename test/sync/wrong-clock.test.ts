/** A machine whose clock is wrong finds the cloud's certificate not valid; what it says must lead to the clock. Real TLS. */
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { noCursor } from "../../gateway/domain/feed.ts";
import { HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { trustAlso } from "../../gateway/sync/private-authority.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { newKey, writeCertificate } from "../../gateway/wire/certificate.ts";
import { SecretString } from "../../gateway/wire/secret.ts";

const day = 86_400_000;
const cases: [what: string, fromMs: number, untilMs: number][] = [
  ["not valid yet", 30 * day, 60 * day],
  ["over", -60 * day, -30 * day],
];

for (const [what, fromMs, untilMs] of cases)
  test(`the cloud's certificate is ${what} by this machine's clock: the error says so, and names the clock`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), "postern-clock-"));
    t.after(() => rm(folder, { recursive: true }));
    const { certificate } = await CertificateAuthority.open(folder, systemClock);
    await trustAlso(join(folder, "ca", "ca.crt"));
    const key = newKey();
    const cert = writeCertificate({
      name: "localhost",
      publicKey: createPublicKey(key),
      issuer: new X509Certificate(certificate).subject.replace(/^CN=/, ""),
      issuerKey: createPrivateKey(await readFile(join(folder, "ca", "ca.key"))),
      from: Date.now() + fromMs,
      until: Date.now() + untilMs,
      use: { kind: "server", hosts: ["localhost"] },
    });
    const server = createServer({ key: key.export({ type: "pkcs8", format: "pem" }), cert });
    t.after(() => server.close());
    await once(server.listen(0, "localhost"), "listening");
    const { port } = server.address() as AddressInfo;
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = new SecretString(privateKey.export({ type: "pkcs8", format: "pem" }) as string);
    const link = new HttpCloudLink(`https://localhost:${port}`, { gateway: "g1", privateKey: pem }, systemClock, fetch);
    const journal = { epoch: 1, seq: 0, head: "", boot: 1, beat: 1 };

    const poll = link.poll({ cursor: noCursor, waitMs: 0, lastCommand: 0, journal }, AbortSignal.timeout(60_000));

    await assert.rejects(poll, {
      code: "cloud-unreachable",
      message:
        /^the cloud's certificate is not valid at this machine's time, \d{4}-\d\d-\d\dT.*set the machine's clock/,
    });
  });
