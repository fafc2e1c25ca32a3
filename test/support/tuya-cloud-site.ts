/** The driver tuya and its cloud, the lock away from the LAN, and a clock for all that runs ahead of the real one. */
import { createHash, createHmac } from "node:crypto";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { Faults } from "../../firmware-sim/faults.ts";
import { CloudPort, type CloudRequest } from "../../firmware-sim/links/cloud-port.ts";
import { TuyaServer } from "../../firmware-sim/links/tuya.ts";
import { TuyaCloudServer, type TuyaCloudServerOptions } from "../../firmware-sim/links/tuya-cloud.ts";
import { SimTuyaLock, type SimTuyaLockOptions } from "../../firmware-sim/sim-tuya-lock.ts";
import { tuya } from "../../gateway/drivers/tuya/driver.ts";
import type { DriverContext } from "../../gateway/ports/driver.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { SimClock } from "./sim-clock.ts";
import { localKey, remoteKey } from "./tuya-site.ts";

export const clientId = "abcdefghijklmnopqrst";
export const accessSecret = "0123456789abcdef0123456789abcdef";
export const deviceId = "bf0123456789abcdefghij";
const atFirst = 1_700_000_000_000;
/** Each turn of the event loop is worth so much, so a request is answered within a second or two of this time. */
const stepMs = 100;

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: CloudRequest["headers"];
  readonly body: string;
}

/** An envelope; undefined where a test does not say, which is answered as a path that nobody knows. */
export type Answerer = (asked: Asked) => object | undefined;

export const yes = (result: unknown): object => ({ success: true, result, t: 0, tid: "a" });
export const no = (code: number | string, msg: string): object => ({ success: false, code, msg, t: 0, tid: "a" });
/** Of the golden vectors: its original key is "ABCDEFGH12345678". */
export const aTicket = yes({
  ticket_id: "9wxxoLM",
  ticket_key: "F936319DEB30E5EBB63F0C5406EDD9198AA36241FDE8DF054DC325C6C695B89E",
  expire_time: 360,
});

/** A cloud that answers what the test says. It is up, and the device runs. */
export async function givenTuyaCloud(t: TestContext, answer: Answerer, options: object = {}) {
  const clock = new SimClock(atFirst);
  const asked: Asked[] = [];
  let tokens = 0;
  const port = new CloudPort({
    clock,
    faults: new Faults(),
    answer: ({ method, path, query, headers, body }) => {
      const target = `/${path.join("/")}${query.size > 0 ? `?${query}` : ""}`;
      const one = { method, path: target, headers, body };
      asked.push(one);
      if (!isSigned(one)) return { status: 200, json: no(1004, "sign invalid") };
      const said = answer(one);
      if (said === undefined && target.startsWith("/v1.0/token")) {
        tokens += 1;
        return { status: 200, json: yes({ access_token: `token-${tokens}`, expire_time: 7_200, uid: "u" }) };
      }
      return { status: 200, json: said ?? no(1108, "uri path invalid") };
    },
  });
  const { url } = await port.start();
  t.after(() => port.stop());
  return { ...(await givenDevice(t, clock, { baseUrl: url, clientId, ...options })), port, asked };
}

export interface TuyaCloudLockOptions {
  readonly family?: SimTuyaLockOptions["family"];
  readonly profile?: unknown;
  /** Of the device, for its cloud. */
  readonly cloud?: object;
  readonly server?: Pick<TuyaCloudServerOptions, "delivery" | "quirks">;
  readonly clock?: SimClock;
}

/** The maker's cloud as the simulator plays it, and a lock that can be reached. The device runs. */
export async function givenTuyaCloudLock(t: TestContext, options: TuyaCloudLockOptions = {}) {
  const { family = "bluetooth", profile = "bluetooth", clock = new SimClock(atFirst) } = options;
  const lock = new SimTuyaLock({ family, clock });
  const project = { clientId, secret: accessSecret };
  const cloud = new TuyaCloudServer({ locks: { [deviceId]: lock }, project, clock, ...options.server });
  const { url } = await cloud.start();
  t.after(() => cloud.stop());
  const device = await givenDevice(t, clock, { baseUrl: url, clientId, ...options.cloud }, { profile });
  return { ...device, lock, cloud };
}

async function givenDevice(t: TestContext, clock: SimClock, cloud: object, more: object = {}) {
  const logged: string[] = [];
  const secrets: Readonly<Record<string, string>> = { localKey, remoteKey, accessSecret };
  const context: DriverContext = {
    clock,
    logger: recorder(logged),
    mqtt: {
      publish: async () => false,
      onMessage: () => () => undefined,
      onSubscribed: () => () => undefined,
      onConnection: () => () => undefined,
    },
    secret: (name) => (secrets[name] === undefined ? undefined : new SecretString(secrets[name])),
  };
  const lan = { ...(await aDeadPort(clock)), version: "3.4", profile: "bluetooth", cloud, ...more };
  const aDevice = (id: string, other: object = {}) => tuya.create(id, { ...lan, deviceId: id, ...other }, context);
  const device = aDevice(deviceId);
  const { codes } = device;
  if (!codes) throw new Error("it keeps codes");
  await device.start(t.signal);
  const ended = new AbortController();
  const running = runClock(clock, ended.signal);
  t.after(async () => {
    await device.stop();
    ended.abort();
    await running;
  });
  return {
    ...{ clock, device, codes, logged, aDevice },
    /** So much time goes by, and everybody gets to do what falls into it. */
    pass: async (ms: number) => {
      const at = clock.monotonic() + ms;
      while (clock.monotonic() < at) await pause(5);
    },
    /** So much time goes by at once. */
    skip: (ms: number) => {
      const end = clock.monotonic() + ms;
      while (clock.step(end));
    },
  };
}

/** By the maker's formula, written apart from the driver's. */
function isSigned({ method, path, headers, body }: Asked): boolean {
  const { client_id: client = "", access_token: token = "", t = "", sign } = headers;
  const hash = createHash("sha256").update(body).digest("hex");
  const text = [`${client}${token}${t}${method}`, hash, "", path].join("\n");
  return client === clientId && createHmac("sha256", accessSecret).update(text).digest("hex").toUpperCase() === sign;
}

/** Where nobody listens: codes do not need the lock to be on the LAN. */
async function aDeadPort(clock: SimClock) {
  const lock = new SimTuyaLock({ family: "bluetooth", clock });
  const server = new TuyaServer({ id: deviceId, key: localKey, version: "3.4", clock, faults: new Faults(), lock });
  const { host, port } = await server.start();
  await server.stop();
  return { host, port };
}

async function runClock(clock: SimClock, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await pause(1);
    const next = clock.monotonic() + stepMs;
    while (clock.step(next)) await pause(0);
  }
}

function recorder(lines: string[]): Logger {
  const write = (level: string) => (event: string, fields?: LogFields) => {
    lines.push(`${level} ${event} ${inspect(fields, { depth: 10, showHidden: true })}`);
  };
  const logger: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: () => logger,
  };
  return logger;
}
