/**
 * A whole site on one machine: gateway and cloud-sync as processes of their own, simulated lockboxes, and a cable between the two
 * that can be pulled. What it needs it makes: keys, certificates, grants to try.
 */
import { randomInt } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { z } from "zod";
import { BookedStays } from "../firmware-sim/booked-stays.ts";
import { type Internet, startInternet } from "../firmware-sim/internet.ts";
import { TwilioServer } from "../firmware-sim/links/twilio.ts";
import { type RunningSimulator, startSimulator } from "../firmware-sim/main.ts";
import { makersLocks } from "../firmware-sim/played/makers-locks.ts";
import type { MakersLock, SiteEntry } from "../firmware-sim/played-lock.ts";
import { steadyPorts } from "../firmware-sim/steady-port.ts";
import { GatewayError } from "../gateway/errors.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import { lockDataFolder } from "../gateway/storage/data-folder.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { CommandError } from "./command.ts";
import { DemoClock } from "./demo-clock.ts";
import { AdminApi, enrolOnce, makeGrants, makeSite, site, siteZone } from "./demo-cloud.ts";
import { type DemoMemory, type DemoPerson, type DemoPin, remember, remembered } from "./demo-memory.ts";
import { makePeople } from "./demo-people.ts";
import { connectLodgify, flats, guests, keepBookings, openLodgify } from "./demo-stays.ts";
import { DemoTime } from "./demo-time.ts";
import { KeptService } from "./kept-service.ts";
import { ServiceProcess } from "./service-process.ts";

export interface DemoOptions {
  /** Everything it writes goes below this folder; a folder of an earlier demo is taken up again. */
  readonly folder: string;
  /** 0: any free one. */
  readonly port: number;
  readonly version: string;
  readonly logger: Logger;
  /** Called when a process of its own has come or gone since the start. */
  readonly onChange?: (facts: DemoFacts) => void;
}

/** What a script needs to drive the running demo; the ready file holds it. */
export interface DemoFacts {
  readonly url: string;
  readonly gateway: {
    readonly id: string;
    readonly url: string;
    readonly broker: string;
    /** MQTT without TLS, on loopback only. */
    readonly plainPort: number;
    readonly caFile: string;
    readonly data: string;
  };
  readonly cloud: {
    readonly url: string;
    readonly adminToken: string;
    readonly site: string;
    /** Who can sign in at its pages. */
    readonly people: readonly DemoPerson[];
  };
  readonly boxes: readonly {
    readonly id: string;
    readonly accessPoint: string;
    readonly password: string;
    readonly key: string;
  }[];
  /** One of each maker. */
  readonly locks: readonly {
    readonly id: string;
    readonly accessPoint: string;
    readonly driver: string;
  }[];
  /** A box nobody plays, for a person with mosquitto_pub. */
  readonly spareBox: {
    readonly id: string;
    readonly accessPoint: string;
    readonly password: string;
    readonly key: string;
  };
  readonly pins: readonly DemoPin[];
  readonly pids: { readonly gateway: number | undefined; readonly cloud: number | undefined };
}

export interface RunningDemo {
  readonly facts: () => DemoFacts;
  stop(): Promise<void>;
}

interface StartedLock extends SiteEntry {
  readonly lock: MakersLock;
}

/** Where the services listen in this run, however often they come and go. */
type Ports = Readonly<Record<(typeof services)[number], number>>;
const services = ["cloud", "gatewayHttp", "gatewayBroker", "gatewayPlain"] as const;

/** Long enough to see, short enough to wait for. */
const holdMs = 10_000;
const readyDeadlineMs = 180_000;
const lookMs = 2_000;
const inStepMs = 60_000;
const statusShape = z.object({
  sync: z.object({ state: z.string(), lastSyncAgoMs: z.number().nullable() }),
  clock: z.object({ trust: z.string() }),
});

export async function startDemo({ folder, port, version, logger, onChange }: DemoOptions): Promise<RunningDemo> {
  const lock = await lockDataFolder(nodeDisk, folder).catch((error: unknown) => {
    if (!(error instanceof GatewayError) || error.code !== "data-locked") throw error;
    throw new CommandError(
      `a demo runs on ${folder} already (process ${error.detail.pid}): stop it, or give --data another folder`,
    );
  });
  const stops: (() => Promise<void>)[] = [() => lock.release()];
  try {
    return await start(await steadyPorts(...services), await remembered(folder));
  } catch (error) {
    for (const stop of stops.reverse()) await stop().catch(() => undefined);
    throw error;
  }

  async function start(ports: Ports, memory: DemoMemory): Promise<RunningDemo> {
    let facts: (() => DemoFacts) | undefined;
    const clock = new DemoClock(memory.aheadMs);
    const kept = (name: "cloud-sync" | "gateway", service: ServiceProcess) => {
      const told = () => facts && onChange?.(facts());
      const one = new KeptService({ name, service, readyDeadlineMs, clock: systemClock, logger, onChange: told });
      stops.push(() => one.stop());
      return one;
    };
    const zone = siteZone();
    const lodgify = await openLodgify(folder, memory.lodgifyKey, zone, clock);
    const sms = { accountSid: `AC${"0".repeat(32)}`, authToken: randomSecret(32) };
    const twilio = new TwilioServer({ ...sms, clock });
    stops.push(
      () => lodgify.stop(),
      () => twilio.stop(),
    );
    const guestUrls = { lodgify: (await lodgify.start()).url, twilio: (await twilio.start()).url };
    const cloudProcess = new ServiceProcess("cloud-sync", {
      time: clock,
      logFile: join(folder, "cloud-sync.log"),
      readyFile: join(folder, "cloud-sync.ready.json"),
      config: () =>
        writePrivate(join(folder, "cloud-sync.yaml"), stringify(cloudConfig(folder, ports, sms.accountSid, guestUrls))),
      env: { POSTERN_ADMIN_TOKEN: memory.adminToken, POSTERN_TWILIO_TOKEN: sms.authToken },
    });
    const cloud = kept("cloud-sync", cloudProcess);
    const cloudReady = await cloud.start();
    const cloudUrl = String(cloudReady.url);

    const internet: Internet = await startInternet({
      targetHost: "127.0.0.1",
      targetPort: ports.cloud,
      clock,
    });
    stops.push(() => internet.stop());
    const api = new AdminApi(cloudUrl, memory.adminToken);
    const locks = makersLocks({
      ...{ clock, internet, folder, zone, secret: randomSecret },
      broker: { host: "127.0.0.1", port: ports.gatewayPlain },
    });
    const entries = await Promise.all(locks.map(startLock));

    await makeSite(api);
    await enrolOnce(api, { cloudUrl, folder: join(folder, "gateway"), version });
    await writePrivate(
      join(folder, "secrets.yaml"),
      stringify({
        devices: Object.fromEntries([
          ...memory.boxes.map(({ id, password, key }) => [id, { password, key }]),
          ...entries.map(({ lock, secrets }) => [lock.id, secrets]),
        ]),
      }),
    );
    const gatewayProcess = new ServiceProcess("gateway", {
      time: clock,
      logFile: join(folder, "gateway.log"),
      readyFile: join(folder, "gateway.ready.json"),
      config: () =>
        writePrivate(
          join(folder, "gateway.yaml"),
          stringify(gatewayConfig(folder, memory, entries, ports, internet.url)),
        ),
      env: Object.assign({}, ...entries.map(({ env }) => env)),
    });
    const gateway = kept("gateway", gatewayProcess);
    const gatewayReady = await gateway.start();
    const gatewayUrl = String(gatewayReady.url);

    await until("the gateway has reported its doors", async () => {
      return (await api.list(`/api/sites/${site}/access-points`)).length >= memory.boxes.length + locks.length;
    });
    if (memory.pins.length === 0) memory.pins = await makeGrants(api, String(gatewayReady.gateway), clock);
    memory.people = await makePeople(api, site, memory.people);
    await remember(folder, memory);
    const source = await connectLodgify(api, site, memory.lodgifyKey);
    await until("the gateway knows the grants", async () => {
      const status = (await (await fetch(`${gatewayUrl}/api/status`)).json()) as { records: { rows: number } };
      return status.records.rows >= memory.pins.length;
    });

    const caFile = String(gatewayReady.caFile);
    const cloudAccess = { url: cloudUrl, adminToken: memory.adminToken, site };
    const stays = new BookedStays({
      ...{ lodgify, twilio, cloud: cloudAccess, source, flats, guests, zone, clock },
      keep: (bookings) => keepBookings(folder, bookings),
    });
    const time = new DemoTime({
      ...{ clock, zone, internet, logger },
      services: [gatewayProcess, cloudProcess],
      landmarks: () => stays.landmarks(),
      keep: async (aheadMs) => {
        await remember(folder, { ...memory, aheadMs });
        memory.aheadMs = aheadMs;
      },
      isInStep: async () => !internet.on || !cloud.running || !gateway.running || (await isInStep(gatewayUrl)),
      isNothingUnderWay: async (signal) =>
        !internet.on || !cloud.running || !gateway.running || (await stays.areCodesSettled(signal)),
      onChange: () => simulator.refresh(),
    });
    stops.push(() => time.stop());
    const simulator: RunningSimulator = await startSimulator({
      http: { host: "127.0.0.1", port },
      broker: {
        host: "127.0.0.1",
        port: ports.gatewayBroker,
        caPem: await readFile(caFile, "utf8"),
        servername: "localhost",
      },
      boxes: memory.boxes.filter(({ id }) => id !== "spare-box"),
      locks,
      gatewayUrl,
      cloud: cloudAccess,
      internet,
      stays,
      time,
      processes: {
        cloudRunning: () => cloud.running,
        cloudWanted: () => cloud.wanted,
        stopCloud: () => cloud.kill(),
        startCloud: async () => void (await cloud.start()),
        killGateway: async () => {
          await gateway.kill();
          await gateway.start();
        },
      },
      signIn: { url: cloudUrl, people: memory.people },
      hints: memory.pins.map(({ label, pin, accessPoints }) => ({ label, pin, note: accessPoints.join(", ") })),
      clock,
      logger,
    });
    stops.push(() => simulator.stop());

    const withAccessPoint = ({ id, password, key }: DemoMemory["boxes"][number]) => ({
      id,
      accessPoint: id,
      password,
      key,
    });
    facts = () => ({
      url: simulator.url,
      gateway: {
        id: String(gatewayReady.gateway),
        url: gatewayUrl,
        broker: `mqtts://localhost:${ports.gatewayBroker}`,
        plainPort: ports.gatewayPlain,
        caFile,
        data: join(folder, "gateway"),
      },
      cloud: { url: cloudUrl, adminToken: memory.adminToken, site, people: memory.people },
      boxes: memory.boxes.filter(({ id }) => id !== "spare-box").map(withAccessPoint),
      locks: locks.map(({ id, make }) => ({ id, accessPoint: id, driver: make.driver })),
      spareBox: withAccessPoint(memory.boxes.find(({ id }) => id === "spare-box")!),
      pins: memory.pins,
      pids: { gateway: gateway.pid, cloud: cloud.pid },
    });
    return {
      facts,
      stop: async () => {
        for (const stop of stops.splice(0).reverse()) await stop();
      },
    };
  }

  async function startLock(lock: MakersLock): Promise<StartedLock> {
    stops.push(() => lock.stop());
    return { lock, ...(await lock.start()) };
  }
}

function cloudConfig(
  folder: string,
  ports: Ports,
  accountSid: string,
  { lodgify, twilio }: { readonly lodgify: string; readonly twilio: string },
): object {
  return {
    data: join(folder, "cloud"),
    http: { host: "127.0.0.1", port: ports.cloud },
    // Guests' links lead there.
    publicUrl: `http://127.0.0.1:${ports.cloud}`,
    guests: { twilio: { accountSid, smsFrom: "Harbour", apiUrl: twilio } },
    sources: { lodgifyUrl: lodgify },
  };
}

function gatewayConfig(
  folder: string,
  { boxes }: DemoMemory,
  locks: readonly StartedLock[],
  ports: Ports,
  cloudUrl: string,
): object {
  return {
    data: join(folder, "gateway"),
    secretsFile: join(folder, "secrets.yaml"),
    cloud: { url: cloudUrl },
    http: { host: "127.0.0.1", port: ports.gatewayHttp },
    broker: {
      host: "127.0.0.1",
      port: ports.gatewayBroker,
      plainPort: ports.gatewayPlain,
      hostnames: ["localhost", "127.0.0.1"],
    },
    clock: { source: "system" },
    devices: [
      // So rarely that two steps of a leap miss none (demo-time.ts). Whoever plays the spare box by hand follows the usual rule.
      ...boxes.map(({ id }) => ({
        ...{ id, driver: "mqtt-lockbox" },
        ...(id !== "spare-box" && { options: { heartbeatMs: 3_600_000 } }),
      })),
      ...locks.map(({ lock: { id, make }, options }) => ({ id, driver: make.driver, options })),
    ],
    accessPoints: [
      ...boxes.map(({ id, name }) => ({ id, name, lock: id, readers: [id], holdMs })),
      ...locks.map(({ lock: { id, name } }) => ({ id, name, lock: id, holdMs })),
    ],
  };
}

/** Of an account or a device that nobody else has to know in the next run. */
function randomSecret(length: number): string {
  const characters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  return Array.from({ length }, () => characters[randomInt(characters.length)]).join("");
}

async function writePrivate(path: string, text: string): Promise<string> {
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** A gateway that has reached its cloud since, by its own clock. */
async function isInStep(gatewayUrl: string): Promise<boolean> {
  try {
    const answer = await fetch(`${gatewayUrl}/api/status`, { signal: AbortSignal.timeout(lookMs) });
    const { sync, clock } = statusShape.parse(await answer.json());
    return sync.state === "online" && (sync.lastSyncAgoMs ?? Infinity) < inStepMs && clock.trust === "synced";
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endsAt = systemClock.monotonic() + readyDeadlineMs;
  while (!(await holds().catch(() => false))) {
    if (systemClock.monotonic() > endsAt)
      throw new CommandError(`the demo waited ${readyDeadlineMs / 1000} s in vain until ${what}`);
    await systemClock.sleep(100);
  }
}
