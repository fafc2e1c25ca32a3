import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { missing } from "../support/needs.ts";
import { SimClock } from "../support/sim-clock.ts";

const day = 86_400_000;
const hosts = ["gateway.local", "127.0.0.1", "192.168.7.2", "::1", "fe80::1:2:3"];

async function given(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "postern-ca-"));
  t.after(() => rm(folder, { recursive: true }));
  const clock = new SimClock(Date.UTC(2031, 2, 4));
  return { folder, clock, authority: await CertificateAuthority.open(folder, clock) };
}

test("the authority is made once, kept, and its key is nobody else's to read", async (t) => {
  const { folder, clock, authority } = await given(t);
  const again = await CertificateAuthority.open(folder, clock);

  assert.equal(again.certificate, authority.certificate);
  assert.equal((await stat(join(folder, "ca", "ca.key"))).mode & 0o777, 0o600);
  assert.equal((await stat(join(folder, "ca"))).mode & 0o777, 0o700);
  assert.ok(new X509Certificate(authority.certificate).ca);
});

test("the server's certificate names every host and address, is kept, and renewed 30 days before its end", async (t) => {
  const { clock, authority } = await given(t);
  const first = await authority.serverCertificate(hosts);
  const certificate = new X509Certificate(first.cert);
  for (const host of hosts) assert.ok(certificate.checkHost(host) ?? certificate.checkIP(host), host);
  assert.equal(certificate.checkHost("other.local"), undefined);

  clock.step(334 * day);
  assert.equal((await authority.serverCertificate(hosts)).cert, first.cert);
  clock.step(336 * day);
  const renewed = await authority.serverCertificate(hosts);
  assert.notEqual(renewed.cert, first.cert);
  assert.notEqual((await authority.serverCertificate([...hosts, "new.local"])).cert, renewed.cert);
});

test("a device's certificate bears its id, fits its key, and is no authority and no server", async (t) => {
  const { authority } = await given(t);
  const { key, cert } = authority.issueDevice("box-1");
  const certificate = new X509Certificate(cert);

  assert.equal(certificate.subject, "CN=box-1");
  assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
  assert.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
  assert.equal(certificate.ca, false);
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  assert.throws(() => authority.issueDevice("box/1"), GatewayError);
});

test("OpenSSL finds nothing to object to, strictly", { skip: missing("openssl") }, async (t) => {
  const { folder, authority } = await given(t);
  const ca = join(folder, "ca", "ca.crt");
  await authority.serverCertificate(hosts);
  await writeFile(join(folder, "box.crt"), authority.issueDevice("box-1").cert);
  const verify = (purpose: string, path: string) =>
    execFileSync(
      "openssl",
      ["verify", "-x509_strict", "-attime", `${Date.UTC(2031, 2, 5) / 1000}`, "-CAfile", ca, "-purpose", purpose, path],
      { encoding: "utf8", stdio: "pipe" },
    );

  assert.match(verify("sslserver", join(folder, "ca", "server.crt")), /OK/);
  assert.match(verify("sslclient", join(folder, "box.crt")), /OK/);
  assert.throws(() => verify("sslserver", join(folder, "box.crt")));
  assert.throws(() => verify("sslclient", join(folder, "ca", "server.crt")));
});

test("a board whose clock starts in 1970 makes certificates that are good now", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "postern-ca-"));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await CertificateAuthority.open(folder, new SimClock(0));
  const certificate = new X509Certificate(authority.issueDevice("box-1").cert);
  assert.ok(certificate.validToDate.getTime() > Date.UTC(2035, 0, 1));
});

test("a clock that is ten years ahead makes no certificate that holds only in ten years", async (t) => {
  const { folder, authority: now } = await given(t);
  const ahead = await CertificateAuthority.open(join(folder, "other"), new SimClock(Date.UTC(2041, 2, 4)));
  const { cert } = await ahead.serverCertificate(hosts);
  for (const made of [ahead.certificate, cert, ahead.issueDevice("box-1").cert, now.certificate])
    assert.ok(new X509Certificate(made).validFromDate.getTime() <= Date.UTC(2026, 0, 1));
});

const losses: [what: string, lost: string[], words: RegExp][] = [
  ["key", ["ca.key"], /ca\/ca\.key is missing beside ca\.crt; put it back from a backup, or move .*\/ca away/],
  ["certificate", ["ca.crt"], /ca\/ca\.crt is missing beside ca\.key; put it back from a backup, or move .*\/ca away/],
  ["key and certificate", ["ca.key", "ca.crt"], /ca\.key and ca\.crt are missing; put ca\.key and ca\.crt back/],
];
for (const [what, lost, words] of losses) {
  test(`an authority that has lost its ${what} is not replaced by another`, async (t) => {
    const { folder, clock, authority } = await given(t);
    await authority.serverCertificate(hosts);
    for (const name of lost) await rm(join(folder, "ca", name));
    const left = await contents(join(folder, "ca"));

    await assert.rejects(CertificateAuthority.open(folder, clock), isAbout(words));

    assert.deepEqual(await contents(join(folder, "ca")), left);
  });
}

test("an authority whose key or certificate is damaged, or another's, is not replaced either", async (t) => {
  const { folder, clock, authority } = await given(t);
  const [key, cert] = [join(folder, "ca", "ca.key"), join(folder, "ca", "ca.crt")];
  await writeFile(key, authority.issueDevice("box-1").key);
  await assert.rejects(CertificateAuthority.open(folder, clock), isAbout(/does not fit/));
  await writeFile(cert, "");
  const left = await contents(join(folder, "ca"));

  await assert.rejects(CertificateAuthority.open(folder, clock), isAbout(/cannot be used .* put both back/));

  assert.deepEqual(await contents(join(folder, "ca")), left);
});

test("a first start that a power cut interrupts leaves no half authority behind", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "postern-ca-"));
  t.after(() => rm(folder, { recursive: true }));
  const clock = new SimClock(Date.UTC(2031, 2, 4));
  await mkdir(join(folder, "ca.new"));
  await writeFile(join(folder, "ca.new", "ca.key"), "half written");

  const { certificate } = await CertificateAuthority.open(folder, clock);

  assert.equal((await CertificateAuthority.open(folder, clock)).certificate, certificate);
  assert.deepEqual(await readdir(folder), ["ca"]);
});

test("a lost key or certificate of the server is no loss: the authority makes others", async (t) => {
  const { folder, authority } = await given(t);
  for (const name of ["server.key", "server.crt"]) {
    await authority.serverCertificate(hosts);
    await rm(join(folder, "ca", name));
    const { key, cert } = await authority.serverCertificate(hosts);
    assert.ok(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)));
  }
});

test("ticket keys are kept for a day, and renewed then", async (t) => {
  const { clock, authority } = await given(t);
  clock.wallOffset = Date.now() + 60_000 - clock.time; // the file bears the machine's time, and is written a moment later
  const first = await authority.ticketKeys();
  assert.equal(first.length, 48);
  assert.deepEqual(await authority.ticketKeys(), first);
  clock.wallOffset += 2 * day;
  assert.notDeepEqual(await authority.ticketKeys(), first);
});

function isAbout(words: RegExp) {
  return (error: unknown) =>
    error instanceof GatewayError && error.code === "authority-damaged" && words.test(error.message);
}

/** Every file of a folder by its name. */
async function contents(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder);
  const texts = names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}
