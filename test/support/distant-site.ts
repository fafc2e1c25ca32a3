/**
 * A gateway with two doors, far from its cloud: real sockets and files on both sides of a shaped line, and one clock for all of them
 * that moves when told. While it stands, whatever waits for time waits for ever.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Faults } from "../../firmware-sim/faults.ts";
import { LockboxLink } from "../../firmware-sim/links/mqtt-lockbox.ts";
import { SimLockbox, type Verdict } from "../../firmware-sim/sim-lockbox.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { enrolGateway } from "../../gateway/enrol-gateway.ts";
import { answerTickMs } from "../../gateway/flows/tell-reader.ts";
import { type RunningGateway, startGateway } from "../../gateway/gateway.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { HttpServer } from "../../gateway/http/server.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import { loadGatewayKeys } from "../../gateway/storage/gateway-keys.ts";
import { nodeDisk } from "../../gateway/storage/node-disk.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { adminToken } from "./cloud.ts";
import { Random } from "./random.ts";
import { ShapedLine } from "./shaped-line.ts";
import type { SimClock } from "./sim-clock.ts";
import { until } from "./until.ts";

export interface DistantCloud {
  readonly http: HttpServer;
  readonly clock: SimClock;
}

export interface MadeGrant {
  readonly id: string;
  readonly pin: string;
  readonly version: number;
}

type Door = "west" | "east";

const doors = ["west", "east"] as const;
const holdMs = 800;
const password = "distant-site-box-password-0123456789";
const boxKey = Buffer.alloc(32, 9);
const secrets = new Map([
  ["password", new SecretString(password)],
  ["key", new SecretString(boxKey.toString("base64url"))],
]);
/** The longest step, so that requests under way are looked at in between. */
const stepMs = 1_000;
const turnsMin = 6;
/** Real time in which the cloud, here in this process, goes on with a request. */
const quietMs = 1;
/** Long enough for every deadline and pause of the gateway to come several times. */
const patienceMs = 15 * 60_000;
const reallyMs = 15_000;

export class DistantSite {
  readonly line: ShapedLine;
  readonly #id: string;
  readonly #at: DistantCloud;
  readonly #folder: string;
  readonly #boxes = new Map<string, { readonly model: SimLockbox; readonly link: LockboxLink }>();
  #gateway: RunningGateway | undefined;

  private constructor(id: string, at: DistantCloud, folder: string, line: ShapedLine) {
    this.#id = id;
    this.#at = at;
    this.#folder = folder;
    this.line = line;
  }

  /** Online over a good line, with both doors. Stopped and removed after the test. */
  static async start(t: TestContext, id: string, at: DistantCloud): Promise<DistantSite> {
    const folder = await mkdtemp(join(tmpdir(), "postern-distant-"));
    const line = await ShapedLine.start(at.http.port, at.clock, new Random(7));
    const site = new DistantSite(id, at, folder, line);
    t.after(async () => {
      await line.stop();
      await site.#stop();
      await rm(folder, { recursive: true, force: true });
    });
    await site.#begin();
    return site;
  }

  get gateway(): RunningGateway {
    if (!this.#gateway) throw new Error("the gateway is not running");
    return this.#gateway;
  }

  // Time.

  /** In the order of what it wakes, with pauses in which bytes under way arrive. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.#at;
    const end = clock.monotonic() + ms;
    await this.#settle();
    while (clock.step(Math.min(end, clock.monotonic() + stepMs)) || clock.monotonic() < end) await this.#settle();
    await this.#settle();
  }

  /** Lets time pass until it holds. Fails when so much has passed that everything was tried several times, on a slow machine as well. */
  async passUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const { clock } = this.#at;
    const ends = { here: clock.monotonic() + patienceMs, really: performance.now() + reallyMs };
    while (!(await holds())) {
      const isOver = clock.monotonic() > ends.here && performance.now() > ends.really;
      assert.ok(!isOver, `a quarter of an hour passed in vain until ${what}`);
      await this.pass(stepMs);
      await this.#gateway?.site.parts.journal.flushed();
    }
  }

  /** Until nothing has moved on the line for a while, if anything has at all. */
  async #settle(): Promise<void> {
    let { moved } = this.line;
    let quietSince = Number.NEGATIVE_INFINITY;
    for (let turns = 0; turns < turnsMin || performance.now() - quietSince < quietMs; turns += 1) {
      await turn();
      if (this.line.moved === moved) continue;
      moved = this.line.moved;
      quietSince = performance.now();
    }
  }

  // People.

  /** Enters a PIN: it is decided, and an admission released and told, while time stands. Then waits until the door is shut again. */
  async press(door: Door, pin: string): Promise<Verdict> {
    const { model } = this.#boxes.get(door)!;
    const { verdict: before, decision } = { verdict: model.view().lastVerdict, decision: await this.#lastDecision() };
    model.enterPin(pin);
    await until("it is decided", async () => (await this.#lastDecision())?.seq !== decision?.seq);
    const { type } = (await this.#lastDecision())!;
    // A denial is told at the next tick, whatever it was found by.
    if (type === "denied") await this.pass(answerTickMs);
    await until("the keypad answers", () => model.view().lastVerdict !== before);
    if (type === "admitted") {
      const lock = this.gateway.site.parts.devices.get(door)!.lock!;
      await until("the gateway knows that it is open", () => lock.state().bolt === "released");
      await this.pass(holdMs);
      await until("the gateway knows that it is shut", () => lock.state().bolt === "secured");
    }
    return model.view().lastVerdict!.verdict;
  }

  async #lastDecision(): Promise<EntryEvent | undefined> {
    const events = await recentEvents(this.gateway.site.parts.journal, 10);
    return events.find(({ type }) => type === "admitted" || type === "denied");
  }

  /** At the cloud itself, whatever the line. */
  async admin<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${this.#at.http.url}/api/sites${path}`, {
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

  /** For both doors. */
  async grant(entriesAllowed: number | null): Promise<MadeGrant> {
    const now = this.#at.clock.wall();
    const made = await this.admin<{ id: string; version: number; credentials: { value: string }[] }>(
      "POST",
      `/${this.#id}/grants`,
      {
        kind: "temporary",
        holder: { name: "Pat Holder" },
        accessPoints: doors,
        from: new Date(now - 60_000).toISOString(),
        until: new Date(now + 24 * 3_600_000).toISOString(),
        entriesAllowed,
        credentials: [{ kind: "pin" }],
      },
    );
    return { id: made.id, version: made.version, pin: made.credentials[0]!.value };
  }

  revoke({ id }: MadeGrant): Promise<{ version: number }> {
    return this.admin("POST", `/${this.#id}/grants/${id}/revoke`);
  }

  // What is known where.

  isHere(version: number): boolean {
    return this.gateway.site.parts.records.cursor.version >= version;
  }

  isRevokedHere({ id }: MadeGrant): boolean {
    return this.gateway.site.parts.records.grant(id)?.revoked !== false;
  }

  /** Whether the cloud says of every gateway that it has this grant as it now is. */
  async isConfirmed({ id }: MadeGrant): Promise<boolean> {
    const { confirmations } = await this.admin<{ confirmations: { confirmed: boolean }[] }>(
      "GET",
      `/${this.#id}/grants/${id}`,
    );
    return confirmations.length === 1 && confirmations.every(({ confirmed }) => confirmed);
  }

  /** Of the journal on the disk, oldest first. */
  async eventsHere(): Promise<EntryEvent[]> {
    await this.gateway.site.parts.journal.flushed();
    return (await recentEvents(this.gateway.site.parts.journal, 10_000)).reverse();
  }

  /** As the cloud has received them, oldest first. */
  async eventsInCloud(): Promise<EntryEvent[]> {
    const events: EntryEvent[] = [];
    for (let after = ""; ; ) {
      const page = await this.admin<{ items: { event: EntryEvent }[]; next: string | null }>(
        "GET",
        `/${this.#id}/events?limit=100${after}`,
      );
      events.push(...page.items.map(({ event }) => event));
      if (!page.next) return events.reverse();
      after = `&after=${encodeURIComponent(page.next)}`;
    }
  }

  async #begin(): Promise<void> {
    const { clock } = this.#at;
    await this.admin("POST", "", { id: this.#id, name: this.#id, zone: "Europe/Lisbon" });
    const { code } = await this.admin<{ code: string }>("POST", `/${this.#id}/gateways`, { name: "gate" });
    const data = join(this.#folder, "gateway");
    const cloudUrl = this.line.url;
    await enrolGateway({ cloudUrl, code: new SecretString(code), folder: data, version: "test", fetch });
    const random = new Random(11);
    this.#gateway = await startGateway({
      settings: {
        data,
        cloud: { url: cloudUrl },
        http: { host: "127.0.0.1", port: 0, hosts: [] },
        broker: { host: "127.0.0.1", port: 0, hostnames: ["localhost"], connectionsMax: 100 },
        guards: { photo: "optional", attachmentsMb: 64 },
        clock: { source: "system", systemWithinMs: 1_000 },
        devices: doors.map((id) => ({ id, driver: "mqtt-lockbox", options: {} })),
        accessPoints: doors.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs })),
      },
      keys: (await loadGatewayKeys(nodeDisk, data))!,
      secret: (_device, name) => secrets.get(name),
      version: "test",
      clock,
      disk: nodeDisk,
      logger: silentLogger,
      fetch,
      random: () => 0.5 + random.next() / 2,
      onFailed: (error) => {
        throw error;
      },
    });
    const { broker, caCertificate } = this.#gateway;
    for (const id of doors) {
      const model = new SimLockbox({ id, key: boxKey, clock });
      const link = new LockboxLink({
        box: model,
        broker: { host: "127.0.0.1", port: broker.port, caPem: caCertificate, servername: "localhost" },
        proof: { password },
        faults: new Faults(),
        clock,
        logger: silentLogger,
      });
      this.#boxes.set(id, { model, link });
      link.start();
      await until(`${id} is connected`, () => link.connected);
    }
    await this.passUntil("the cloud knows the doors", async () => {
      const { items } = await this.admin<{ items: unknown[] }>("GET", `/${this.#id}/access-points`);
      return items.length === doors.length;
    });
  }

  async #stop(): Promise<void> {
    for (const { link, model } of this.#boxes.values()) {
      await link.stop();
      model.cutPower();
    }
    await this.#gateway?.stop();
  }
}
