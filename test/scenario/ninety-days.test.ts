/**
 * Ninety days without a line: the boxes trust what they were given on the first day, and connect all the time, whatever the gateway's
 * clock shows. Time is simulated, the sockets and TLS are real; whether a certificate holds at the simulated time is OpenSSL's word.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { CertificateAuthority } from "../../gateway/broker/certificate-authority.ts";
import { type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { HandClock } from "../support/cloud.ts";
import { connectPacket, dialTls, login, passwordOf } from "../support/mqtt-broker.ts";
import { missing } from "../support/needs.ts";
import { until } from "../support/until.ts";

const day = 86_400_000;
const year = 365 * day;
/** How often the gateway looks at its certificates; by this sleep a look is known to be over. */
const betweenLooks = 6 * 3_600_000;
const run = promisify(execFile);

class OfflineGateway {
  readonly clock = new HandClock();
  readonly folder: string;
  readonly logged: { readonly event: string; readonly fields: Record<string, unknown> }[] = [];
  #gateway: RunningGateway | undefined;
  #looks = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async given(t: TestContext): Promise<OfflineGateway> {
    const gateway = new OfflineGateway(await mkdtemp(join(tmpdir(), "postern-days-")));
    t.after(async () => {
      await gateway.stop();
      await rm(gateway.folder, { recursive: true });
    });
    await gateway.start();
    return gateway;
  }

  get running(): RunningGateway {
    if (!this.#gateway) throw new Error("the gateway is off");
    return this.#gateway;
  }

  /** The true time. */
  get now(): number {
    return this.clock.monotonic();
  }

  start(): Promise<void> {
    return this.#looksAgain(() => this.#start());
  }

  async #start(): Promise<void> {
    const startedAt = this.clock.monotonic();
    const clock: Clock = {
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic() - startedAt,
      sleep: (ms, signal) => {
        const slept = this.clock.sleep(ms, signal);
        if (ms === betweenLooks) this.#looks += 1;
        return slept;
      },
    };
    const { privateKey } = generateKeyPairSync("ed25519");
    const boxes = ["box-1", "box-2"];
    this.#gateway = await startGateway({
      settings: {
        data: this.folder,
        cloud: { url: "http://cloud.invalid" },
        http: { host: "127.0.0.1", port: 0, hosts: [] },
        broker: { host: "127.0.0.1", port: 0, hostnames: ["localhost"], connectionsMax: 50 },
        guards: { photo: "optional", attachmentsMb: 64 },
        clock: { source: "system", systemWithinMs: 1_000 },
        devices: boxes.map((id) => ({ id, driver: "mqtt-lockbox", options: {} })),
        accessPoints: boxes.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs: 800 })),
      },
      keys: {
        site: "site-1",
        gateway: "gateway-1",
        name: "gate",
        epoch: 1,
        siteKey: new SecretString(Buffer.alloc(32, 7).toString("base64url")),
        privateKey: new SecretString(privateKey.export({ type: "pkcs8", format: "pem" }) as string),
      },
      secret: (device, name) => {
        if (name === "key") return new SecretString(Buffer.alloc(32, 7).toString("base64url"));
        return name === "password" ? new SecretString(passwordOf(device)) : undefined;
      },
      version: "test",
      clock,
      disk: nodeDisk,
      logger: this.#logger,
      fetch: () => Promise.reject(new Error("there is no line")),
      random: () => 0.5,
      onFailed: (error) => {
        throw error;
      },
    });
  }

  async stop(): Promise<void> {
    await this.#gateway?.stop();
    this.#gateway = undefined;
  }

  async #looksAgain(act: () => Promise<void> | void): Promise<void> {
    const looks = this.#looks;
    await act();
    await until("it has looked at its certificates", () => this.#looks > looks);
  }

  /** The machine's clock is off by so much from the start on. */
  async reboot(wallOffset = 0): Promise<void> {
    await this.stop();
    this.clock.stepWall(wallOffset - (this.clock.wall() - this.clock.monotonic()));
    await this.start();
  }

  /** With a look at the certificates after each step. */
  async passDays(days: number, daysAStep = 1): Promise<void> {
    for (let passed = 0; passed < days; passed += daysAStep) {
      if (this.#gateway) await this.#looksAgain(() => this.clock.advance(daysAStep * day));
      else this.clock.advance(daysAStep * day);
    }
  }

  get #logger(): Logger {
    const note = (event: string, fields: Record<string, unknown> = {}) => void this.logged.push({ event, fields });
    return { ...silentLogger, warn: note, error: note, child: () => this.#logger };
  }
}

/** One box signs in by password, the other by certificate; both verify the broker, also as of the simulated time. */
async function boxesConnect(site: OfflineGateway, box: { key: string; cert: string }, when: string): Promise<void> {
  const { port } = site.running.broker;
  const trusted = join(site.folder, "first-day-ca.crt");
  const ca = await readFile(trusted, "utf8");
  const ways = [
    ["box-1", {}, connectPacket("box-1")],
    ["box-2", box, withoutPassword("box-2")],
  ] as const;
  for (const [id, proof, connect] of ways) {
    const client = await dialTls(port, { ca, ...proof });
    assert.equal(await login(client, connect), 0, `${id} ${when}`);
    client.end();
  }
  const seconds = String(Math.floor(site.now / 1_000));
  const asked = ["s_client", "-connect", `127.0.0.1:${port}`, "-CAfile", trusted, "-attime", seconds];
  const strict = ["-verify_return_error", "-verify_hostname", "localhost", "-x509_strict"];
  const talk = run("openssl", [...asked, ...strict]);
  talk.child.stdin?.end();
  assert.match((await talk).stdout, /Verify return code: 0 \(ok\)/, `the broker's certificate ${when}`);
}

function withoutPassword(id: string) {
  const { username, password, ...packet } = connectPacket(id);
  return packet;
}

const certificateOf = (site: OfflineGateway) => readFile(join(site.folder, "ca", "server.crt"), "utf8");

test("ninety days offline, a renewal and reboots with every kind of clock: boxes connect all the time", {
  skip: missing("openssl"),
}, async (t) => {
  const site = await OfflineGateway.given(t);
  await writeFile(join(site.folder, "first-day-ca.crt"), site.running.caCertificate);
  const box = (await CertificateAuthority.open(site.folder, site.clock)).issueDevice("box-2");
  const first = await certificateOf(site);
  await site.stop();
  await site.passDays(300, 300);
  await site.start();
  await boxesConnect(site, box, "at the beginning");

  await site.passDays(33);
  assert.equal(await certificateOf(site), first);
  await boxesConnect(site, box, "before the renewal");
  await site.passDays(4);
  assert.notEqual(await certificateOf(site), first);
  await boxesConnect(site, box, "after the renewal");

  await site.reboot();
  await boxesConnect(site, box, "after a reboot");
  await site.passDays(13);
  for (const [offset, words] of [
    [-site.now, "with the clock unset"],
    [10 * year, "with the clock ten years ahead"],
    [-10 * year, "with the clock ten years behind"],
    [0, "with the clock right again"],
  ] as const) {
    await site.reboot(offset);
    await boxesConnect(site, box, `after a reboot ${words}`);
    await site.passDays(10);
    await boxesConnect(site, box, `ten days after a reboot ${words}`);
  }
  assert.equal(site.running.caCertificate, await readFile(join(site.folder, "first-day-ca.crt"), "utf8"));
});

test("a clock that stays unset across the renewal: time that passes while the gateway runs counts, and the certificate is renewed", {
  skip: missing("openssl"),
}, async (t) => {
  const site = await OfflineGateway.given(t);
  await writeFile(join(site.folder, "first-day-ca.crt"), site.running.caCertificate);
  const box = (await CertificateAuthority.open(site.folder, site.clock)).issueDevice("box-2");
  const first = await certificateOf(site);
  await site.passDays(5);
  await site.reboot(-site.now);

  await site.passDays(325, 5);
  assert.equal(await certificateOf(site), first);
  await site.passDays(40, 5);
  assert.notEqual(await certificateOf(site), first);
  await boxesConnect(site, box, "a year after the clock was last set");
});

test("a box whose certificate ends within 60 days is told of in log and metrics, and refused only once a server says that it has ended", async (t) => {
  const site = await OfflineGateway.given(t);
  await writeFile(join(site.folder, "first-day-ca.crt"), site.running.caCertificate);
  const box = (await CertificateAuthority.open(site.folder, site.clock)).issueDevice("box-2");
  const warnings = () => site.logged.filter(({ event }) => event === "device-certificate-ends");
  const signIn = async () => {
    const client = await dialTls(site.running.broker.port, { ca: site.running.caCertificate, ...box });
    const code = await login(client, withoutPassword("box-2"));
    client.end();
    return code;
  };
  const figure = async () => {
    const { port } = site.running.http;
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/postern_broker\{figure="certificatesEnding"\} (\d)/.exec(text)?.[1]);
  };
  const serverSays = (at: number) =>
    site.running.site.parts.journal.record({ kind: "tick", at, syncedAt: null, borneOut: true }).durable;

  assert.equal(await signIn(), 0);
  await serverSays(site.now + 3_580 * day);
  await site.passDays(1);
  assert.deepEqual([warnings().length, await figure()], [0, 0]);

  const endsAt = new X509Certificate(box.cert).validToDate;
  await serverSays(endsAt.getTime() - 59 * day);
  await site.passDays(1);
  assert.deepEqual(warnings().at(-1)?.fields, { device: "box-2", endsAt: endsAt.toISOString() });
  assert.deepEqual([await signIn(), await figure()], [0, 1]);

  await serverSays(endsAt.getTime() + day);
  assert.equal(await signIn(), 5);
  const refused = site.logged.find(({ event }) => event === "login-refused");
  assert.match(String(refused?.fields.why), /^certificate ended on \d{4}-\d\d-\d\d; issue a new one$/);
});
