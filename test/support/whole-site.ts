/**
 * A whole site on real sockets and files, in this process: cloud-sync on PGlite, a gateway with broker and pages, simulated lockboxes
 * over TLS, and a cable between gateway and cloud. Tests speak of people, boxes and the cloud.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CloudOptions, type RunningCloud, startCloud } from "../../cloud-sync/main.ts";
import { Faults } from "../../firmware-sim/faults.ts";
import { type Internet, startInternet } from "../../firmware-sim/internet.ts";
import { LockboxLink } from "../../firmware-sim/links/mqtt-lockbox.ts";
import { SimLockbox, type Verdict } from "../../firmware-sim/sim-lockbox.ts";
import { steadyPorts } from "../../firmware-sim/steady-port.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { enrolGateway } from "../../gateway/enrol-gateway.ts";
import { type GatewaySettings, type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Disk } from "../../gateway/ports/disk.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { systemClock } from "../../gateway/system-clock.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { until } from "./until.ts";

export interface WholeSiteOptions {
  readonly boxes?: readonly string[];
  readonly holdMs?: number;
  /** By the box whose keypad stands beside it: the lock of that door, instead of the box itself. */
  readonly lockOf?: Readonly<Record<string, OtherLock>>;
  /** Where log lines go. */
  readonly logger?: Logger;
  /** Under the gateway, once it is enrolled. */
  readonly disk?: Disk;
  /** Whom the gateway believes the time; its own machine when left out. */
  readonly clock?: GatewaySettings["clock"];
  /** Origins of push services that the cloud sends to, besides the browsers' own. */
  readonly pushServices?: readonly string[];
  /** Of all programs; the machine's when left out. */
  readonly time?: Clock;
  /** Started with, by its own address. */
  readonly cloud?: (url: string) => Partial<CloudOptions>;
  /** Locks that stand at doors of their own, without a box beside them; their makers' clouds may lie behind the internet. */
  readonly locks?: (internet: Internet) => Promise<readonly OtherLock[]>;
}

/** A device that is no lockbox. */
export interface OtherLock {
  readonly id: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Where cloud and gateway listen, however often they stop and start. */
type Ports = Readonly<Record<"cloud" | "http" | "broker" | "plain", number>>;

export interface GrantWish {
  readonly doors?: readonly string[];
  readonly entries?: number | null;
  readonly kind?: string;
  readonly from?: number;
  readonly until?: number;
}

export interface MadeGrant {
  readonly id: string;
  readonly pin: string;
  readonly version: number;
}

export const adminToken = "whole-site-admin-token-0123456789abcdef";
export const password = "whole-site-box-password-0123456789";
export const boxKey = Buffer.alloc(32, 7);

export class WholeSite {
  readonly folder: string;
  readonly site = "demo";
  readonly boxes = new Map<string, Box>();
  /** The one-time code, used up by then. */
  enrolmentCode = "";
  readonly #options: WholeSiteOptions;
  readonly #logger: Logger;
  readonly #time: Clock;
  #locks: readonly OtherLock[] = [];
  #cloud: RunningCloud | undefined;
  readonly #ports: Ports;
  #internet: Internet | undefined;
  #gateway: RunningGateway | undefined;

  private constructor(folder: string, ports: Ports, options: WholeSiteOptions) {
    this.folder = folder;
    this.#ports = ports;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#time = options.time ?? systemClock;
  }

  static async start(options: WholeSiteOptions = {}): Promise<WholeSite> {
    const ports = await steadyPorts("cloud", "http", "broker", "plain");
    const site = new WholeSite(await mkdtemp(join(tmpdir(), "postern-site-")), ports, options);
    try {
      await site.#begin();
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const box of this.boxes.values()) await box.stop();
    await this.#gateway?.stop();
    await this.#internet?.stop();
    await this.#cloud?.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  get gateway(): RunningGateway {
    if (!this.#gateway) throw new Error("the gateway is not running");
    return this.#gateway;
  }

  get cloudUrl(): string {
    return `http://127.0.0.1:${this.#ports.cloud}`;
  }

  box(id: string): Box {
    const box = this.boxes.get(id);
    if (!box) throw new Error(`there is no box ${id}`);
    return box;
  }

  get isOnline(): boolean {
    return this.#internet?.on === true;
  }

  /** Pulls or plugs the cable between gateway and cloud. */
  async setInternet(on: boolean): Promise<void> {
    this.#internet?.set(on);
    if (on) await until("the gateway is online", () => this.gateway.site.sync.state === "online");
    else await until("the gateway knows that it is offline", () => this.gateway.site.sync.state === "offline");
  }

  async stopCloud(): Promise<void> {
    await this.#cloud?.stop();
    this.#cloud = undefined;
  }

  async startCloud(): Promise<void> {
    this.#cloud = await startCloud({
      http: { host: "127.0.0.1", port: this.#ports.cloud },
      dataFolder: join(this.folder, "cloud"),
      adminToken: new SecretString(adminToken),
      logger: this.#logger,
      clock: this.#time,
      pushServices: this.#options.pushServices,
      ...this.#options.cloud?.(this.cloudUrl),
    });
  }

  async startGateway(): Promise<void> {
    const { boxes = ["box-1"], lockOf = {}, holdMs = 800 } = this.#options;
    const others = [...Object.values(lockOf), ...this.#locks];
    const data = join(this.folder, "gateway");
    const settings: GatewaySettings = {
      data,
      cloud: { url: this.#internet!.url },
      http: { host: "127.0.0.1", port: this.#ports.http, hosts: ["pages.example"] },
      broker: {
        host: "127.0.0.1",
        port: this.#ports.broker,
        plainPort: this.#ports.plain,
        hostnames: ["localhost", "127.0.0.1"],
        connectionsMax: 2_500,
      },
      guards: { photo: "optional", attachmentsMb: 64 },
      clock: this.#options.clock ?? { source: "system", systemWithinMs: 1_000 },
      devices: [
        ...boxes.map((id) => ({ id, driver: "mqtt-lockbox", options: {} })),
        ...others.map(({ id, driver, options }) => ({ id, driver, options })),
      ],
      accessPoints: [
        ...boxes.map((id) => ({ id, name: id, lock: lockOf[id]?.id ?? id, readers: [id], holdMs })),
        ...this.#locks.map(({ id }) => ({ id, name: id, lock: id, readers: [], holdMs })),
      ],
    };
    this.#gateway = await startGateway({
      settings,
      keys: (await loadGatewayKeys(nodeDisk, data))!,
      secret: (device, name) => {
        const ofBox: Record<string, string> = { password, key: boxKey.toString("base64url") };
        const other = others.find(({ id }) => id === device);
        const value = (other ? other.secrets : ofBox)[name];
        return value === undefined ? undefined : new SecretString(value);
      },
      version: "test",
      clock: this.#time,
      disk: this.#options.disk ?? nodeDisk,
      logger: this.#logger,
      fetch,
      random: Math.random,
      onFailed: (error) => {
        throw error;
      },
    });
  }

  async restartGateway(): Promise<void> {
    await this.gateway.stop();
    await this.startGateway();
    for (const box of this.boxes.values()) await box.isConnected();
  }

  // The administrator.

  async admin<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(this.cloudUrl + path, {
      method,
      // A kept connection may be closed by the other side just as it is used again.
      headers: {
        authorization: `Bearer ${adminToken}`,
        connection: "close",
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? {} : JSON.parse(text)) as T;
  }

  async grant(wish: GrantWish = {}): Promise<MadeGrant> {
    const now = this.#time.wall();
    const made = await this.admin<{ id: string; version: number; credentials: { value: string }[] }>(
      "POST",
      `/api/sites/${this.site}/grants`,
      {
        kind: wish.kind ?? "temporary",
        holder: { name: "Pat Holder" },
        accessPoints: wish.doors ?? [...this.boxes.keys()],
        from: new Date(wish.from ?? now - 60_000).toISOString(),
        until: new Date(wish.until ?? now + 3_600_000).toISOString(),
        entriesAllowed: wish.entries ?? null,
        credentials: [{ kind: "pin" }],
      },
    );
    return { id: made.id, version: made.version, pin: made.credentials[0]!.value };
  }

  revoke(grant: MadeGrant): Promise<{ version: number }> {
    return this.admin("POST", `/api/sites/${this.site}/grants/${grant.id}/revoke`);
  }

  /** The gateway's records are at least at this version of the feed, and it knows that they are the cloud's: a new journal has them sooner. */
  async arrives(version: number): Promise<void> {
    await until(`version ${version} is at the gateway`, () => {
      const { records, time } = this.gateway.site.parts;
      return records.cursor.version >= version && time.sinceSyncMs() !== null;
    });
  }

  /** All that the cloud has received, oldest first. */
  async cloudEvents(): Promise<EntryEvent[]> {
    const events: EntryEvent[] = [];
    let after = "";
    for (;;) {
      const page = await this.admin<{ items: { event: EntryEvent }[]; next: string | null }>(
        "GET",
        `/api/sites/${this.site}/events?limit=100${after}`,
      );
      events.push(...page.items.map(({ event }) => event));
      if (!page.next) return events.reverse();
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  /** All that the journal holds on the disk, oldest first. */
  async journalEvents(): Promise<EntryEvent[]> {
    await this.gateway.site.parts.journal.flushed();
    return (await recentEvents(this.gateway.site.parts.journal, 10_000)).reverse();
  }

  async #begin(): Promise<void> {
    await this.startCloud();
    this.#internet = await startInternet({
      targetHost: "127.0.0.1",
      targetPort: this.#ports.cloud,
      clock: this.#time,
    });
    this.#locks = (await this.#options.locks?.(this.#internet)) ?? [];
    await this.admin("POST", "/api/sites", { id: this.site, name: "Demo", zone: "Europe/Lisbon" });
    const { code } = await this.admin<{ code: string }>("POST", `/api/sites/${this.site}/gateways`, { name: "gate" });
    this.enrolmentCode = code;
    await enrolGateway({
      cloudUrl: this.cloudUrl,
      code: new SecretString(code),
      folder: join(this.folder, "gateway"),
      version: "test",
      fetch,
    });
    await this.startGateway();
    for (const id of this.#options.boxes ?? ["box-1"]) {
      const box = new Box(id, this.gateway, this.#logger, this.#time);
      this.boxes.set(id, box);
      box.link.start();
      // One by one: a slow machine has no time for very many handshakes at once.
      await box.isConnected();
    }
    await until("the cloud knows the doors", async () => {
      const { items } = await this.admin<{ items: unknown[] }>("GET", `/api/sites/${this.site}/access-points`);
      return items.length === this.boxes.size + this.#locks.length;
    });
  }
}

/** A simulated box and its line to the broker. */
export class Box {
  readonly model: SimLockbox;
  readonly link: LockboxLink;

  constructor(id: string, gateway: RunningGateway, logger: Logger, clock: Clock = systemClock) {
    this.model = new SimLockbox({ id, key: boxKey, clock });
    this.link = new LockboxLink({
      box: this.model,
      broker: { host: "127.0.0.1", port: gateway.broker.port, caPem: gateway.caCertificate, servername: "localhost" },
      proof: { password },
      faults: new Faults(),
      clock,
      logger,
    });
  }

  async stop(): Promise<void> {
    await this.link.stop();
    this.model.cutPower();
  }

  get bolt(): string {
    return this.model.view().bolt;
  }

  isConnected(): Promise<void> {
    return until(`${this.model.id} is connected`, () => this.link.connected);
  }

  /** Enters a PIN and waits for what the keypad says to it. */
  async enterPin(digits: string): Promise<Verdict> {
    const before = this.model.view().lastVerdict;
    this.model.enterPin(digits);
    await until("the keypad answers", () => this.model.view().lastVerdict !== before);
    return this.model.view().lastVerdict!.verdict;
  }

  async becomes(bolt: "released" | "secured"): Promise<void> {
    await until(`the bolt is ${bolt}`, () => this.bolt === bolt);
  }
}
