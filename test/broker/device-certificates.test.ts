/** Devices' certificates: whose they are, until when, and that somebody hears of it in time. */
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { DeviceCertificates } from "../../gateway/broker/device-certificates.ts";
import { newKey, writeCertificate } from "../../gateway/wire/certificate.ts";
import { connectPacket, dialTls, givenBroker, login } from "../support/mqtt-broker.ts";
import { SimClock } from "../support/sim-clock.ts";

const day = 86_400_000;
const start = Date.UTC(2031, 2, 4);

async function given(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "postern-ca-"));
  t.after(() => rm(folder, { recursive: true }));
  const clock = new SimClock(start);
  const authority = await CertificateAuthority.open(folder, clock);
  const certificates = new DeviceCertificates(authority.certificate, () => clock.time);
  const issued = new X509Certificate(authority.issueDevice("box-1").cert);
  return { folder, clock, authority, certificates, issued };
}

test("a device's certificate holds for ten years, is told of 60 days before its end, and is refused by name after it", async (t) => {
  const { clock, certificates, issued } = await given(t);
  const endsAt = issued.validToDate.getTime();
  assert.equal(certificates.objectionTo(issued), undefined);
  assert.deepEqual([Math.round((endsAt - start) / day), certificates.ending()], [3650, []]);

  clock.step(3650 * day - 59 * day);
  assert.deepEqual(certificates.ending(), [{ device: "box-1", endsAt }]);
  clock.step(3650 * day);
  assert.equal(certificates.objectionTo(issued), undefined);
  clock.step(3650 * day + 1_000);
  assert.equal(certificates.objectionTo(issued), "certificate ended on 2041-03-01; issue a new one");
  assert.deepEqual(certificates.ending(), [{ device: "box-1", endsAt }]);
});

test("a new certificate, or signing in without one, ends the warning", async (t) => {
  const { clock, authority, certificates, issued } = await given(t);
  certificates.objectionTo(issued);
  clock.step(3640 * day);
  assert.equal(certificates.ending().length, 1);
  certificates.objectionTo(new X509Certificate(authority.issueDevice("box-1").cert));
  assert.deepEqual(certificates.ending(), []);

  certificates.objectionTo(issued);
  certificates.forget("box-1");
  assert.deepEqual(certificates.ending(), []);
});

test("another authority's, the authority's own and the broker's are no device's, ended or not", async (t) => {
  const { folder, authority, certificates } = await given(t);
  const foreign = await CertificateAuthority.open(join(folder, "foreign"), new SimClock(start));
  const key = newKey();
  // Signed by a stranger in the authority's name, and over long ago: its age must not hide whose it is.
  const forged = writeCertificate({
    name: "box-1",
    publicKey: createPublicKey(key),
    issuer: new X509Certificate(authority.certificate).subject.replace(/^CN=/, ""),
    issuerKey: key,
    from: start - 20 * day,
    until: start - 10 * day,
    use: { kind: "device" },
  });
  const objection = (cert: string) => certificates.objectionTo(new X509Certificate(cert));
  assert.equal(objection(foreign.issueDevice("box-1").cert), "certificate of another authority");
  assert.equal(objection(forged), "certificate of another authority");
  assert.equal(objection(authority.certificate), "certificate is not for a device");
  assert.equal(objection((await authority.serverCertificate(["localhost"])).cert), "certificate is not for a device");
  assert.deepEqual(certificates.ending(), []);
});

test("over TLS: a certificate that the machine's clock calls ended still proves the box while no such time has certainly come", async (t) => {
  const site = await givenBroker(t);
  const key = newKey();
  const cert = writeCertificate({
    name: "box-1",
    publicKey: createPublicKey(key),
    issuer: new X509Certificate(site.authority.certificate).subject.replace(/^CN=/, ""),
    issuerKey: createPrivateKey(await readFile(join(site.folder, "ca", "ca.key"))),
    from: Date.UTC(2020, 0, 1),
    until: Date.UTC(2021, 0, 1),
    use: { kind: "device" },
  });
  const pem = key.export({ type: "pkcs8", format: "pem" }) as string;
  const box = await dialTls(site.port, { ca: site.authority.certificate, key: pem, cert });
  const { username, password, ...packet } = connectPacket("box-1");

  assert.equal(await login(box, packet), 0);
  assert.equal(site.broker.stats().certificatesEnding, 0);
  box.end();
});
