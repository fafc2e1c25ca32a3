/**
 * The gateway's own authority in its data folder: signs the broker's certificate and those of the devices. What it has written is
 * never overwritten by another; `ca/ca.crt` is what devices are given to trust.
 *
 *   ca/ca.key      0600, stays here            ca/ca.crt      for 30 years
 *   ca/server.key  0600                        ca/server.crt  for a year, renewed when less than 30 days are left
 *   ca/tickets     0600, see ticketKeys()
 */
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, X509Certificate } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { dirname, join } from "node:path";
import type { DeviceId } from "../domain/access-point.ts";
import type { Instant, Millis } from "../domain/instant.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { newKey, writeCertificate } from "../wire/certificate.ts";
import { isDeviceId } from "./permissions.ts";

const day: Millis = 86_400_000;
const year: Millis = 365 * day;
const renewBefore: Millis = 30 * day;
const ticketsLive: Millis = day;
/**
 * Every certificate begins here, whenever it is made: a clock that was ahead then must not make one that holds only in years, and boxes
 * may be behind. A board without a battery clock starts in 1970; a certificate made then is taken for one of this day.
 */
const earliest: Instant = Date.UTC(2026, 0, 1);

export interface KeyAndCertificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export class CertificateAuthority {
  /** What devices trust; PEM. */
  readonly certificate: string;
  readonly #folder: string;
  readonly #key: KeyObject;
  readonly #clock: Pick<Clock, "wall">;

  private constructor(folder: string, certificate: string, key: KeyObject, clock: Pick<Clock, "wall">) {
    this.#folder = folder;
    this.certificate = certificate;
    this.#key = key;
    this.#clock = clock;
  }

  /** The authority in `<dataFolder>/ca`; made on the first call. Rejects with `authority-damaged` when what stands there cannot be used. */
  static async open(dataFolder: string, clock: Pick<Clock, "wall">): Promise<CertificateAuthority> {
    const folder = join(dataFolder, "ca");
    const { key, cert } = (await readAuthority(folder)) ?? (await make(folder, Math.max(clock.wall(), earliest)));
    try {
      const privateKey = createPrivateKey(key);
      if (!new X509Certificate(cert).checkPrivateKey(privateKey))
        throw new Error("the key does not fit the certificate");
      return new CertificateAuthority(folder, cert, privateKey, clock);
    } catch (cause) {
      throw new GatewayError(
        "authority-damaged",
        `${folder}: ca.key and ca.crt cannot be used (${(cause as Error).message}); put both back from a backup`,
        {},
        { cause },
      );
    }
  }

  /** The broker's own certificate for these names and addresses; a new one when they changed or the old one is about to end. */
  async serverCertificate(hosts: readonly string[]): Promise<KeyAndCertificate> {
    const [first] = hosts;
    if (first === undefined)
      throw new GatewayError("config-invalid", "broker.hostnames: name at least one host or address");
    const paths = { key: join(this.#folder, "server.key"), cert: join(this.#folder, "server.crt") };
    const { key: oldKey, cert: oldCert } = await readPair(paths);
    const old = oldKey !== undefined && oldCert !== undefined && { key: oldKey, cert: oldCert };
    if (old && this.#serves(old, hosts)) return old;
    const key = newKey();
    const cert = this.#sign(first, key, year, { kind: "server", hosts });
    return writePair(paths, { key: pem(key), cert });
  }

  /** A new key and certificate for a device; kept nowhere, so whoever calls hands them over now. */
  issueDevice(device: DeviceId): KeyAndCertificate {
    if (!isDeviceId(device))
      throw new GatewayError("config-invalid", "a device's id has 1 to 64 of A-Z a-z 0-9 _ -", { device });
    const key = newKey();
    return { key: pem(key), cert: this.#sign(device, key, 10 * year, { kind: "device" }) };
  }

  /** 48 secret bytes by which devices resume TLS sessions over a restart; new ones every day. */
  async ticketKeys(): Promise<Buffer> {
    const path = join(this.#folder, "tickets");
    const age = await stat(path).then(({ mtimeMs }) => this.#clock.wall() - mtimeMs, absent);
    const kept = age !== undefined && age >= 0 && age < ticketsLive ? await readFile(path) : undefined;
    if (kept?.length === 48) return kept;
    const fresh = randomBytes(48);
    await writeWhole(path, fresh, 0o600);
    return fresh;
  }

  #sign(name: string, key: KeyObject, lifeMs: Millis, use: Parameters<typeof writeCertificate>[0]["use"]): string {
    const now = Math.max(this.#clock.wall(), earliest);
    const authority = new X509Certificate(this.certificate);
    return writeCertificate({
      name,
      publicKey: createPublicKey(key),
      issuer: authority.subject.replace(/^CN=/, ""),
      issuerKey: this.#key,
      from: earliest,
      until: now + lifeMs,
      use,
    });
  }

  #serves({ key, cert }: KeyAndCertificate, hosts: readonly string[]): boolean {
    try {
      const certificate = new X509Certificate(cert);
      const names = certificate.subjectAltName?.split(", ").length ?? 0;
      return (
        certificate.validToDate.getTime() - this.#clock.wall() > renewBefore &&
        certificate.verify(createPublicKey(this.#key)) &&
        certificate.checkPrivateKey(createPrivateKey(key)) &&
        names === hosts.length &&
        hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined)
      );
    } catch {
      return false; // whatever stands there is no certificate; a new one takes its place
    }
  }
}

interface Paths {
  readonly key: string;
  readonly cert: string;
}

/** Stands whole or not at all: an authority half made by a power cut would look like one half lost. */
async function make(folder: string, now: Instant): Promise<KeyAndCertificate> {
  const key = newKey();
  const name = `Postern ${randomBytes(4).toString("hex")}`;
  const cert = writeCertificate({
    name,
    publicKey: createPublicKey(key),
    issuer: name,
    issuerKey: key,
    from: earliest,
    until: now + 30 * year,
    use: { kind: "authority" },
  });
  const unfinished = `${folder}.new`;
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const pair = await writePair(pathsIn(unfinished), { key: pem(key), cert });
  await rename(unfinished, folder).catch(async (cause: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true });
    if (cause.code !== "ENOTEMPTY" && cause.code !== "EEXIST") throw cause;
    throw lost(`${folder} is in use, but its ca.key and ca.crt are missing`, "ca.key and ca.crt", folder, cause);
  });
  await syncFolder(dirname(folder));
  return pair;
}

/** undefined when neither file is there. */
async function readAuthority(folder: string): Promise<KeyAndCertificate | undefined> {
  const paths = pathsIn(folder);
  const { key, cert } = await readPair(paths);
  if (key !== undefined && cert !== undefined) return { key, cert };
  if (cert !== undefined) throw lost(`${paths.key} is missing beside ca.crt`, "it", folder);
  if (key !== undefined) throw lost(`${paths.cert} is missing beside ca.key`, "it", folder);
  return undefined;
}

/** Devices trust one authority and hold its certificates, so another is made only when somebody says so. */
function lost(what: string, which: string, folder: string, cause?: Error): GatewayError {
  return new GatewayError(
    "authority-damaged",
    `${what}; put ${which} back from a backup, or move ${folder} away for a new authority, which no device will know`,
    {},
    { cause },
  );
}

function pathsIn(folder: string): Paths {
  return { key: join(folder, "ca.key"), cert: join(folder, "ca.crt") };
}

async function writePair(paths: Paths, pair: KeyAndCertificate): Promise<KeyAndCertificate> {
  await writeWhole(paths.key, Buffer.from(pair.key), 0o600);
  await writeWhole(paths.cert, Buffer.from(pair.cert), 0o644);
  return pair;
}

async function readPair(paths: Paths): Promise<{ key: string | undefined; cert: string | undefined }> {
  const [key, cert] = await Promise.all([paths.key, paths.cert].map((path) => readFile(path, "utf8").catch(absent)));
  return { key, cert };
}

async function writeWhole(path: string, bytes: Buffer, mode: number): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", mode);
  try {
    await file.chmod(mode);
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}
