/** A cloud in this process and whole gateways of one site on real sockets and files, that know each other on the LAN; one line from all of them to the cloud. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { steadyPort } from "../../firmware-sim/steady-port.ts";
import { enrolGateway } from "../../gateway/enrol-gateway.ts";
import { type GatewaySettings, type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { givenCloud, type TestCloud } from "./cloud.ts";
import { boxKey, password } from "./whole-site.ts";

const cloudUrl = "http://cloud.test";
const secrets = new Map([
  ["password", new SecretString(password)],
  ["key", new SecretString(boxKey.toString("base64url"))],
]);

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

export interface LanSite {
  readonly cloud: TestCloud;
  readonly line: Line;
  /** Run when the test is over, the last first. */
  readonly after: AsyncDisposableStack;
}

/** Without a gateway yet; removed after the test. */
export async function aLanSite(t: TestContext): Promise<LanSite> {
  const after = new AsyncDisposableStack();
  t.after(() => after.disposeAsync());
  const cloud = await givenCloud();
  after.defer(() => cloud.close());
  await cloud.ask("POST", "/api/sites", { id: "demo", name: "Demo", zone: "Europe/Lisbon" });
  return { cloud, line: new Line(cloud), after };
}

/** With one door, a box's, of the gateway's name. */
export async function aLanGateway(
  { cloud, line, after }: LanSite,
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
