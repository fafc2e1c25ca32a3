/** Three whole gateways of one site, as `postern gateway` starts them: they learn of each other from the cloud and then do without it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { enrolGateway } from "../../gateway/enrol-gateway.ts";
import { type GatewaySettings, type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, type TestCloud } from "../support/cloud.ts";
import { until } from "../support/until.ts";
import { Box, boxKey, password } from "../support/whole-site.ts";

const names = ["west", "east", "north"];
const cloudUrl = "http://cloud.test";

test("given three gateways cut from the cloud, when a PIN of one entry is entered at each, exactly one opens", async (t) => {
  const site = await aSite(t);
  const { cloud } = site;
  const gateways: RunningGateway[] = [];
  for (const name of names) gateways.push(await aGateway(site, name));
  const boxes = names.map((name, number) => new Box(name, gateways[number]!, silentLogger));
  for (const box of boxes) {
    site.after.defer(() => box.stop());
    box.link.start();
    await box.isConnected();
  }
  await until("the cloud knows every door", async () => (await list(cloud, "access-points")).length === names.length);
  const now = systemClock.wall();
  const { body: grant } = await cloud.ask("POST", "/api/sites/demo/grants", {
    kind: "stay",
    holder: { name: "Pat Holder" },
    accessPoints: names,
    from: new Date(now - 60_000).toISOString(),
    until: new Date(now + 3_600_000).toISOString(),
    entriesAllowed: 1,
    credentials: [{ kind: "pin" }],
  });
  await until("every gateway knows the grant and the others", () =>
    gateways.every(({ site: { parts } }) => {
      const { records } = parts;
      return (
        records.grant(grant.id) &&
        records
          .peers()
          .toArray()
          .filter(({ lan }) => lan).length === names.length
      );
    }),
  );

  site.line.cut();
  const verdicts = await Promise.all(boxes.map((box) => box.enterPin(grant.credentials[0].value)));

  assert.deepEqual(verdicts.sort(), ["denied", "denied", "granted"]);
  const holder = gateways.find((gateway) => heldBy(gateway, grant.id) > 0);
  assert.equal(holder, undefined);

  site.line.mend();
  await until("the cloud has heard of it", async () => (await admissions(cloud)).length > 0);
  await until("every gateway has told all", () => gateways.every(({ site }) => site.sync.queue === 0));
  assert.equal((await admissions(cloud)).length, 1);
});

test("an occupied port, and an address of another machine, are errors that name their key", async (t) => {
  const site = await aSite(t);
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  site.after.defer(() => void server.close());
  const { port } = server.address() as AddressInfo;

  const start = (name: string, host: string) => aGateway(site, name, { host, port });
  await assert.rejects(start("west", "127.0.0.1"), { code: "port-in-use", message: /^lan\.port: .*EADDRINUSE/ });
  await assert.rejects(start("east", "192.0.2.1"), { code: "config-invalid", message: /^lan\.host: .*192\.0\.2\.1/ });
});

/** The gateways' way to the cloud. */
class Line {
  readonly #cloud: TestCloud;
  #cut: AbortController | undefined = new AbortController();

  constructor(cloud: TestCloud) {
    this.#cloud = cloud;
  }

  cut(): void {
    this.#cut?.abort(new Error("the cable was pulled"));
    this.#cut = undefined;
  }

  mend(): void {
    this.#cut = new AbortController();
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    if (!this.#cut) throw new TypeError("no line");
    const { signal } = this.#cut;
    const broken = new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const signals = AbortSignal.any([signal, ...(init.signal ? [init.signal] : [])]);
    return Promise.race([this.#cloud.app.request(url, { ...init, signal: signals }), broken]);
  };
}

interface TestSite {
  readonly cloud: TestCloud;
  readonly line: Line;
  /** Run when the test is over, the last first. */
  readonly after: AsyncDisposableStack;
}

async function aSite(t: TestContext): Promise<TestSite> {
  const after = new AsyncDisposableStack();
  t.after(() => after.disposeAsync());
  const cloud = await givenCloud();
  after.defer(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Lisbon" });
  return { cloud, line: new Line(cloud), after };
}

async function aGateway(
  { cloud, line, after }: TestSite,
  name: string,
  lan?: GatewaySettings["lan"],
): Promise<RunningGateway> {
  const data = await mkdtemp(join(tmpdir(), "postern-lan-"));
  after.defer(() => rm(data, { recursive: true, force: true }));
  const { body } = await cloud.ask("POST", "/api/sites/demo/gateways", { name });
  const code = new SecretString(body.code);
  await enrolGateway({ cloudUrl, code, folder: data, version: "test", fetch: line.fetch });
  const gateway = await startGateway({
    settings: {
      data,
      cloud: { url: cloudUrl },
      http: { host: "127.0.0.1", port: 0, hosts: [] },
      broker: { host: "127.0.0.1", port: 0, hostnames: ["localhost"], connectionsMax: 100 },
      lan: lan ?? { host: "127.0.0.1", port: await freePort() },
      clock: { source: "system", systemWithinMs: 1_000 },
      devices: [{ id: name, driver: "mqtt-lockbox", options: {} }],
      accessPoints: [{ id: name, name, lock: name, readers: [name], holdMs: 800 }],
    },
    keys: (await loadGatewayKeys(nodeDisk, data))!,
    secret: (_device, secret) => new SecretString(secret === "password" ? password : boxKey.toString("base64url")),
    version: "test",
    clock: systemClock,
    disk: nodeDisk,
    logger: silentLogger,
    fetch: line.fetch,
    random: Math.random,
    onFailed: (error) => {
      throw error;
    },
  });
  after.defer(() => gateway.stop());
  return gateway;
}

/** One that is told the cloud before it is listened on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function heldBy({ site }: RunningGateway, id: string): number {
  const { records } = site.parts;
  return records.rights(records.grant(id)!).held;
}

async function list(cloud: TestCloud, what: string): Promise<readonly { readonly event?: { type: string } }[]> {
  return (await cloud.ask("GET", `/api/sites/demo/${what}`)).body.items;
}

async function admissions(cloud: TestCloud) {
  return (await list(cloud, "events?limit=100")).filter(({ event }) => event?.type === "admitted");
}
