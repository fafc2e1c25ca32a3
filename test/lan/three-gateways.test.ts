/** Three whole gateways of one site, as `postern gateway` starts them: they learn of each other from the cloud and then do without it. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { steadyPort } from "../../firmware-sim/steady-port.ts";
import { enrolGateway } from "../../gateway/enrol-gateway.ts";
import { type GatewaySettings, type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
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
const secrets = new Map([
  ["password", new SecretString(password)],
  ["key", new SecretString(boxKey.toString("base64url"))],
]);

test("given three gateways cut from the cloud, a PIN of one entry opens one door, and any of them", async (t) => {
  const site = await aSite(t);
  const gateways: RunningGateway[] = [];
  for (const name of names) gateways.push(await aGateway(site, name));
  const boxes = names.map((name, number) => new Box(name, gateways[number]!, silentLogger));
  for (const box of boxes) {
    site.after.defer(() => box.stop());
    box.link.start();
    await box.isConnected();
  }
  await until("the cloud knows every door", async () => (await list(site, "access-points")).length === names.length);
  const [far, wanted] = [await aPin(site), await aPin(site)];
  await until("every gateway knows the PINs and the others", () =>
    gateways.every(({ site: { parts } }) => {
      const onLan = parts.records.peers().filter(({ lan }) => lan !== undefined);
      return parts.records.grant(far.id) && parts.records.grant(wanted.id) && onLan.toArray().length === names.length;
    }),
  );

  site.line.cut();
  const home = gateways[0]!.site.parts.records.grant(far.id)!.homeGateway;
  const away = gateways.findIndex(({ site }) => site.parts.records.gateway !== home);
  await until("an entry has come to another door than its own", async () => {
    await boxes[away]!.enterPin(far.pin);
    return (await admitted(gateways[away]!)).includes(far.id);
  });
  const everywhere = (pin: string) => Promise.all(boxes.map((box) => box.enterPin(pin)));
  // Beside a crowd the door's patience may end before an entry has come; it comes with the next try.
  await until("somebody has got in", async () => {
    await everywhere(wanted.pin);
    return (await admittedAnywhere(gateways)).includes(wanted.id);
  });
  await everywhere(wanted.pin);
  await everywhere(far.pin);

  const both = [far.id, wanted.id].toSorted();
  assert.deepEqual(await admittedAnywhere(gateways), both);

  site.line.mend();
  await until("the cloud has heard of both", async () => (await admissions(site)).length >= 2);
  await until("every gateway has told all", () => gateways.every(({ site }) => site.sync.queue === 0));
  assert.deepEqual((await admissions(site)).toSorted(), both);
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
      // The cloud is told of it before it is listened on.
      lan: lan ?? { host: "127.0.0.1", port: await steadyPort() },
      guards: { photo: "optional", attachmentsMb: 64 },
      clock: { source: "system", systemWithinMs: 1_000 },
      devices: [{ id: name, driver: "mqtt-lockbox", options: {} }],
      accessPoints: [{ id: name, name, lock: name, readers: [name], holdMs: 800 }],
    },
    keys: (await loadGatewayKeys(nodeDisk, data))!,
    secret: (_device, name) => secrets.get(name),
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

async function list({ cloud }: TestSite, what: string) {
  const { body } = await cloud.ask("GET", `/api/sites/demo/${what}`);
  return body.items as readonly { readonly event?: { readonly type: string; readonly grant: string } }[];
}

/** The grants of all admissions in its journal. */
async function admitted({ site }: RunningGateway): Promise<string[]> {
  const events = await recentEvents(site.parts.journal, 1_000);
  return events.flatMap((event) => (event.type === "admitted" ? [event.grant] : []));
}

async function admittedAnywhere(gateways: readonly RunningGateway[]): Promise<string[]> {
  return (await Promise.all(gateways.map(admitted))).flat().toSorted();
}

/** The grants of all admissions the cloud has heard of. */
async function admissions(site: TestSite): Promise<string[]> {
  const events = await list(site, "events?limit=100");
  return events.flatMap(({ event }) => (event?.type === "admitted" ? [event.grant] : []));
}

/** Good for one entry, at any of the doors. */
async function aPin({ cloud }: TestSite): Promise<{ readonly id: string; readonly pin: string }> {
  const now = systemClock.wall();
  const { body } = await cloud.ask("POST", "/api/sites/demo/grants", {
    kind: "stay",
    holder: { name: "Pat Holder" },
    accessPoints: names,
    from: new Date(now - 60_000).toISOString(),
    until: new Date(now + 3_600_000).toISOString(),
    entriesAllowed: 1,
    credentials: [{ kind: "pin" }],
  });
  return { id: body.id, pin: body.credentials[0].value };
}
