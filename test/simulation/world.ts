/**
 * A site and its cloud in one process: the real gateway code and the real cloud-sync app, on a simulated clock, disk and network.
 * After every step the invariants are checked; everything random comes from one seed, so a seed replays.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { cloudApp } from "../../cloud-sync/app.ts";
import type { CloudParts } from "../../cloud-sync/cloud-parts.ts";
import { hashOf } from "../../cloud-sync/ids.ts";
import type { AccessPoint } from "../../gateway/domain/access-point.ts";
import type { CredentialKind } from "../../gateway/domain/credential.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Device, Lock } from "../../gateway/ports/device.ts";
import type { Disk } from "../../gateway/ports/disk.ts";
import { type LogFields, type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { Random } from "../support/random.ts";
import { SimClock } from "../support/sim-clock.ts";
import { SimDisk } from "../support/sim-disk.ts";
import { noon } from "../support/site-fixture.ts";
import { aloneOnTheMachine } from "../support/site-store.ts";

/** One cloud for all seeds of a run; each seed has a site of its own. */
export type CloudGround = Omit<CloudParts, "clock" | "logger" | "adminTokenHashes" | "version" | "stopping">;

/** How likely each fault is, drawn anew for each seed. */
export interface FaultRates {
  readonly loseRequest: number;
  readonly loseAnswer: number;
  readonly repeatRequest: number;
  readonly delayMs: number;
  readonly lockRefuses: number;
  readonly lockSilent: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly ground: CloudGround;
  /** Puts a planted bug between the gateway and its disk; the simulation must catch it. */
  readonly bendDisk?: (disk: Disk, sim: SimDisk) => Disk;
}

/** An invariant does not hold. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

interface KnownGrant {
  readonly id: string;
  readonly kind: string;
  readonly pin: string;
  readonly limit: number | null;
  readonly until: number;
  readonly from: number;
  /** Feed version that revoked it, once revoked. */
  revokedAt: number | undefined;
  revokedConfirmed: boolean;
  openings: number;
}

interface Opening {
  readonly boot: number;
  readonly at: number;
  readonly seq: number;
  readonly grant: string | undefined;
  readonly command: number | undefined;
}

const doors = ["front", "side"] as const;
const adminToken = "simulated-admin-token-0123456789abcdef";
const base = "http://cloud.sim";
const hour = 3_600_000;

export class World {
  readonly clock: SimClock;
  readonly random: Random;
  /** The last things that happened, for a failing seed. */
  readonly trace: string[] = [];
  steps = 0;
  crashes = 0;
  cuts = 0;
  opened = 0;
  admitted = 0;

  readonly #options: WorldOptions;
  readonly #disk = new SimDisk();
  readonly #rates: FaultRates;
  readonly #app: ReturnType<typeof cloudApp>;
  readonly #inRequest = new AsyncLocalStorage<true>();
  /** Requests the cloud is working on, less those it holds in a long poll. */
  #busy = 0;
  #site = "";
  #gateway = "";
  #epoch = 1;
  #privateKey = new SecretString("");
  #siteKey = "";
  #lineUp = true;
  #calm = false;
  #process: GatewayProcess | undefined;
  readonly #grants: KnownGrant[] = [];
  readonly #openings: Opening[] = [];
  readonly #commands = new Map<number, { readonly askedAt: number; runs: number }>();
  /** When the last complete poll was asked whose answer arrived. */
  #lastSyncAsked = Number.NEGATIVE_INFINITY;
  #crashAfterDiskOperations: number | undefined;
  #violation: Violation | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.clock = new SimClock(noon);
    const rate = (most: number) => (this.random.chance(0.5) ? this.random.next() * most : 0);
    this.#rates = {
      loseRequest: rate(0.2),
      loseAnswer: rate(0.2),
      repeatRequest: rate(0.1),
      delayMs: this.random.chance(0.3) ? 3_000 : 50,
      lockRefuses: rate(0.2),
      lockSilent: rate(0.2),
    };
    const cloudClock: Clock = {
      wall: () => Math.floor(this.clock.time),
      monotonic: () => this.clock.monotonic(),
      sleep: (ms, signal) => this.#cloudSleep(ms, signal),
    };
    this.#app = cloudApp({
      ...options.ground,
      clock: cloudClock,
      logger: silentLogger,
      adminTokenHashes: [hashOf(adminToken)],
      version: "simulated",
      stopping: new AbortController().signal,
    });
    this.#disk.pause = () => this.#onDiskOperation();
  }

  async begin(): Promise<void> {
    const site = await this.#admin("POST", "/api/sites", {
      name: "Simulated site",
      zone: "Europe/Lisbon",
      offlineMaxAgeMs: { delivery: hour },
    });
    this.#site = String(site.id);
    const { code } = await this.#admin("POST", `/api/sites/${this.#site}/gateways`, { name: "gateway" });
    const { enrolled, privateKey } = await enrol(base, new SecretString(String(code)), "simulated", (url, init) =>
      this.#ask(url, init),
    );
    this.#gateway = enrolled.gateway;
    this.#epoch = enrolled.epoch;
    this.#siteKey = enrolled.siteKey;
    this.#privateKey = privateKey;
    this.#calm = true;
    await this.#boot();
    await this.advance(10_000); // its doors are reported
    this.#calm = false;
  }

  /** One act of the world, some time, and a look at the invariants. */
  async step(): Promise<void> {
    this.steps += 1;
    await this.#act();
    await this.advance(this.random.chance(0.7) ? this.random.int(2_000) : this.random.int(40_000));
    await this.#checkStep();
  }

  /** Heals everything, lets time pass, and checks the end state. */
  async calm(): Promise<void> {
    this.#note("calm");
    this.#calm = true;
    this.#lineUp = true;
    this.#crashAfterDiskOperations = undefined;
    if (!this.#process) await this.#boot();
    await this.advance(180_000);
    await this.#checkStep();
    await this.#checkEnd();
    if (this.#process) await this.#stop(this.#process);
  }

  async advance(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.#settle();
    while (this.clock.step(until)) await this.#settle();
    await this.#settle();
  }

  // What may happen.

  async #act(): Promise<void> {
    const acts: readonly (readonly [number, string, () => Promise<void> | void])[] = [
      [30, "present", () => this.#present()],
      [12, "grant", () => this.#createGrant()],
      [8, "revoke", () => this.#revoke()],
      [6, "unlock", () => this.#unlock()],
      [6, "crash", () => this.#crash()],
      [5, "crash-soon", () => this.#crashSoon()],
      [5, "cut", () => this.#setLine(false)],
      [8, "heal", () => this.#setLine(true)],
      [2, "clean-restart", () => this.#restart()],
      [1, "long-outage", () => this.#longOutage()],
    ];
    let draw = this.random.int(acts.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, name, act] of acts) {
      draw -= weight;
      if (draw >= 0) continue;
      this.#note(name);
      await act();
      return;
    }
  }

  async #present(): Promise<void> {
    const process = this.#process;
    if (!process) return this.#boot();
    const door = this.random.pick(doors);
    const known = this.#grants.length > 0 && this.random.chance(0.9) ? this.random.pick(this.#grants) : undefined;
    const index = this.#seal.index("pin", known?.pin ?? "0000000");
    const times = this.random.chance(0.2) ? 1 + this.random.int(4) : 1;
    for (let time = 0; time < times; time += 1) {
      const kind: CredentialKind = "pin";
      presentCredential(
        process.site.parts,
        { accessPoint: this.random.pick(doors) ?? door, presented: { kind, index } },
        undefined,
      )
        ?.then((outcome) => this.#note(`  ${outcome.outcome} ${"reason" in outcome ? outcome.reason : ""}`))
        .catch((error: Error) => this.#note(`  request failed: ${error.message}`));
    }
    await this.#settle();
  }

  async #createGrant(): Promise<void> {
    const kind = this.random.pick(["stay", "temporary", "delivery"]);
    const limit = this.random.chance(0.6) ? 1 + this.random.int(3) : null;
    const from = this.clock.time + (this.random.chance(0.2) ? 60_000 : -1_000);
    const until = from + this.random.pick([120_000, 2 * hour, 30 * hour]);
    const made = await this.#admin("POST", `/api/sites/${this.#site}/grants`, {
      kind,
      holder: { name: "Pat Holder" },
      accessPoints: [...doors],
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      entriesAllowed: limit,
      homeGateway: this.#gateway,
      credentials: [{ kind: "pin" }],
    });
    const { id, credentials } = made as { id: string; credentials: { value: string }[] };
    this.#grants.push({
      id,
      kind,
      pin: credentials[0]!.value,
      limit,
      from,
      until,
      revokedAt: undefined,
      revokedConfirmed: false,
      openings: 0,
    });
  }

  async #revoke(): Promise<void> {
    const live = this.#grants.filter(({ revokedAt }) => revokedAt === undefined);
    if (live.length === 0) return;
    const grant = this.random.pick(live);
    const { version } = await this.#admin("POST", `/api/sites/${this.#site}/grants/${grant.id}/revoke`);
    grant.revokedAt = Number(version);
  }

  async #unlock(): Promise<void> {
    const made = await this.#admin(
      "POST",
      `/api/sites/${this.#site}/access-points/${this.random.pick(doors)}/unlock`,
    ).catch(
      () => undefined, // the gateway may not have reported its doors yet
    );
    if (made) this.#commands.set(Number(made.id), { askedAt: this.clock.time, runs: 0 });
  }

  #setLine(up: boolean): void {
    if (!up && this.#lineUp) this.cuts += 1;
    this.#lineUp = up;
  }

  #crashSoon(): void {
    this.#crashAfterDiskOperations = this.random.int(12);
  }

  async #restart(): Promise<void> {
    const process = this.#process;
    if (!process) return;
    await this.#stop(process);
    process.alive = false;
    if (this.#process === process) this.#process = undefined;
    await this.#boot();
  }

  /** A clean stop; a crash may come in between. */
  async #stop(process: GatewayProcess): Promise<void> {
    let done = false;
    process.site.stop().then(
      () => {
        done = true;
      },
      (error: Error) => this.#note(`  stop failed: ${error.message}`),
    );
    for (let turn = 0; !done && process.alive; turn += 1) {
      if (turn > 1_000) throw new Violation("L1", "the gateway does not stop");
      await this.advance(10);
    }
  }

  async #longOutage(): Promise<void> {
    this.#setLine(false);
    await this.advance(this.random.pick([30 * 60_000, 2 * hour]));
  }

  async #crash(): Promise<void> {
    if (!this.#process) return;
    this.#kill();
    await this.#settle();
    if (this.random.chance(0.8)) await this.#boot();
  }

  #kill(): void {
    const process = this.#process;
    if (!process) return;
    this.crashes += 1;
    process.alive = false;
    this.#process = undefined;
    this.#crashAfterDiskOperations = undefined;
    this.#disk.crash(this.random);
    this.#note("  crashed");
  }

  // The gateway as a process: what a dead one does has no effect.

  async #boot(): Promise<void> {
    if (this.#process) return;
    const owner: GatewayProcess = { alive: true, site: undefined as unknown as RunningSite };
    const clock: Clock = {
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic(),
      sleep: (ms, signal) =>
        this.clock.sleep(ms, signal).then(
          () => (owner.alive ? undefined : forever()),
          (error: unknown) => (owner.alive ? Promise.reject(error) : forever()),
        ),
    };
    const link = new HttpCloudLink(base, { gateway: this.#gateway, privateKey: this.#privateKey }, clock, (url, init) =>
      this.#send(owner, url, init),
    );
    const mounted = this.#disk.mount();
    const accessPoints: AccessPoint[] = doors.map((id) => ({ id, name: id, lock: id, readers: [id], holdMs: 5_000 }));
    const starting = startSite({
      gateway: this.#gateway,
      epoch: this.#epoch,
      version: "simulated",
      folder: "/data",
      accessPoints,
      devices: doors.map((id) => this.#door(owner, id)),
      seal: this.#seal,
      link,
      peers: noPeers,
      systemClockWithinMs: 1_000,
      clock,
      disk: this.#options.bendDisk?.(mounted, this.#disk) ?? mounted,
      logger: this.#logger,
      random: () => this.random.next(),
      onFailed: () => undefined,
      nextTurn: () => Promise.resolve(),
      processes: aloneOnTheMachine,
    });
    this.#process = owner;
    const site = await Promise.race([starting, this.#untilSettled()]);
    if (!owner.alive) return; // it crashed while it started
    if (!site) throw new Violation("I3", "the gateway does not come up");
    owner.site = site;
    this.#note("  booted");
    await this.#checkRecovered(site);
  }

  /** Resolves once nothing moves any more: for a start that a crash keeps from ending. */
  async #untilSettled(): Promise<undefined> {
    for (let turn = 0; turn < 2_000; turn += 1) await nextTurn();
    return undefined;
  }

  #onDiskOperation(): Promise<void> {
    if (this.#crashAfterDiskOperations === undefined) return Promise.resolve();
    this.#crashAfterDiskOperations -= 1;
    if (this.#crashAfterDiskOperations < 0) this.#kill();
    return Promise.resolve();
  }

  #door(owner: GatewayProcess, id: string): Device {
    const lock: Lock = {
      release: async () => {
        if (!owner.alive) return forever();
        if (!this.#calm && this.random.chance(this.#rates.lockRefuses)) return "refused";
        this.#onRelease(owner, id);
        return !this.#calm && this.random.chance(this.#rates.lockSilent) ? "unknown" : "confirmed";
      },
      secure: async () => "confirmed",
      state: () => ({ bolt: "secured", basis: "assumed" }),
    };
    return {
      id,
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: 0 }),
      subscribe: () => () => undefined,
      lock,
    };
  }

  /** The strike moves: this is the moment most promises are about. */
  #onRelease(owner: GatewayProcess, accessPoint: string): void {
    const { records } = owner.site.parts;
    const cause = records.unfinished().find((one) => one.kind !== "press" && one.accessPoint === accessPoint);
    if (!cause) {
      this.#violated("I3", `the strike of ${accessPoint} moves and no record says why`);
      return;
    }
    this.opened += 1;
    const grant = cause.kind === "admission" ? cause.grant : undefined;
    const command = cause.kind === "command" ? cause.command : undefined;
    const seq = cause.kind === "admission" ? cause.of : 0;
    this.#openings.push({ boot: records.boot, at: this.clock.time, seq, grant, command });
    if (command !== undefined) this.#checkCommand(command);
    const known = this.#grants.find(({ id }) => id === grant);
    if (!known) return;
    known.openings += 1;
    if (known.limit !== null && known.openings > known.limit) {
      this.#violated("I1", `grant ${known.id} opened ${known.openings} times, its limit is ${known.limit}`);
    }
    if (known.revokedConfirmed) this.#violated("I2", `grant ${known.id} opened after its revocation was confirmed`);
    if (known.kind === "delivery" && this.clock.monotonic() - this.#lastSyncAsked > hour + 5_000) {
      this.#violated("I6", "opened on records older than their kind allows");
    }
    if (this.clock.time < known.from || this.clock.time >= known.until) {
      this.#violated("I6", `grant ${known.id} opened outside its validity`);
    }
  }

  #checkCommand(command: number): void {
    const asked = this.#commands.get(command);
    if (!asked) {
      this.#violated("I5", `command ${command} ran and nobody asked for it`);
      return;
    }
    asked.runs += 1;
    if (asked.runs > 1) this.#violated("I5", `command ${command} ran ${asked.runs} times`);
    if (this.clock.time - asked.askedAt > 10_000 + 100) {
      this.#violated("I5", `command ${command} ran ${this.clock.time - asked.askedAt} ms after it was asked for`);
    }
  }

  // The network.

  /** As the gateway sends: through a line that may be cut and that loses, repeats and delays. */
  async #send(owner: GatewayProcess, url: string, init: RequestInit): Promise<Response> {
    const { signal } = init;
    const down = () => !this.#lineUp && !this.#calm;
    const lost = (rate: number) => !this.#calm && this.random.chance(rate);
    const asked = this.clock.monotonic();
    const delay = () => this.clock.sleep(1 + this.random.int(this.#rates.delayMs), signal ?? undefined);
    await delay();
    if (down() || lost(this.#rates.loseRequest)) return this.#noAnswer(owner);
    this.#hearAcknowledgement(url);
    if (lost(this.#rates.repeatRequest) && !url.includes("/feed")) await this.#ask(url, init);
    const response = await this.#ask(url, init);
    await delay();
    if (down() || lost(this.#rates.loseAnswer)) return this.#noAnswer(owner);
    if (!owner.alive) return forever();
    await this.#hearAnswer(url, response, asked);
    return response;
  }

  async #noAnswer(owner: GatewayProcess): Promise<Response> {
    if (!owner.alive) return forever();
    throw new TypeError("the line is down");
  }

  #hearAcknowledgement(url: string): void {
    if (!url.includes("/feed")) return;
    const cursor = Number(new URL(url).searchParams.get("cursor"));
    for (const grant of this.#grants) {
      if (grant.revokedAt !== undefined && cursor >= grant.revokedAt) grant.revokedConfirmed = true;
    }
  }

  async #hearAnswer(url: string, response: Response, asked: number): Promise<void> {
    if (url.includes("/journal") && response.status === 409) {
      this.#violated("I8", `an honest gateway was refused: ${await response.clone().text()}`);
    }
    if (response.status === 400)
      this.#violated("I8", `an honest gateway was refused: ${await response.clone().text()}`);
    if (!url.includes("/feed") || !response.ok) return;
    const reply = (await response.clone().json()) as { complete: boolean };
    if (reply.complete) this.#lastSyncAsked = Math.max(this.#lastSyncAsked, asked);
  }

  /** Straight to the cloud; awaited work is counted, so that time stands still until it is done. */
  async #ask(url: string, init: RequestInit): Promise<Response> {
    this.#busy += 1;
    try {
      return await this.#inRequest.run(true, async () => this.#app.request(url.slice(base.length), init));
    } finally {
      this.#busy -= 1;
    }
  }

  async #admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await this.#ask(base + path, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
  }

  async #cloudSleep(ms: number, signal?: AbortSignal): Promise<void> {
    const held = this.#inRequest.getStore() === true;
    if (held) this.#busy -= 1;
    try {
      await this.clock.sleep(ms, signal);
    } finally {
      if (held) this.#busy += 1;
    }
  }

  /** Lets everything run that can run without time passing. */
  async #settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet = this.#busy === 0 ? quiet + 1 : 0) await nextTurn();
    if (this.#violation) throw this.#violation;
  }

  // What must hold.

  async #checkStep(): Promise<void> {
    if (this.#violation) throw this.#violation;
    await this.#settle();
  }

  /** I3: what opened is in the records that came back. */
  async #checkRecovered(site: RunningSite): Promise<void> {
    const events = new Map((await recentEvents(site.parts.journal, 100_000)).map((event) => [event.seq, event]));
    for (const opening of this.#openings) {
      if (opening.command !== undefined) {
        if (site.parts.records.lastCommand < opening.command) {
          throw new Violation("I3", `command ${opening.command} ran and is not in the recovered journal`);
        }
        continue;
      }
      const event = events.get(opening.seq);
      if (event?.type !== "admitted" || event.grant !== opening.grant) {
        throw new Violation("I3", `the opening of event ${opening.seq} is not in the recovered journal`);
      }
    }
  }

  async #checkEnd(): Promise<void> {
    const site = this.#process?.site;
    if (!site) throw new Violation("I7", "no gateway at the end");
    if (site.sync.state !== "online") throw new Violation("I7", `at rest the gateway is ${site.sync.state}`);
    if (site.sync.queue !== 0) throw new Violation("I7", `at rest ${site.sync.queue} events wait`);
    const here = await recentEvents(site.parts.journal, 100_000);
    const there = await this.#cloudEvents();
    const bodies = (events: readonly EntryEvent[]) => events.map((event) => JSON.stringify(event));
    if (JSON.stringify(bodies(here)) !== JSON.stringify(bodies(there))) {
      throw new Violation("I4", `the journal has ${here.length} events, the cloud ${there.length}, or they differ`);
    }
    if (here.some(({ type }) => type === "checksum-mismatch")) throw new Violation("I7", "the sets had come apart");
    const { version } = await this.#admin("GET", `/api/sites/${this.#site}`);
    if (site.parts.records.cursor.version !== Number(version)) throw new Violation("I7", "the cursors differ at rest");
    this.admitted = here.filter(({ type }) => type === "admitted").length;
    await this.#checkLiveness(site);
  }

  /** A right that is left opens the door; one that is not does not. */
  async #checkLiveness(site: RunningSite): Promise<void> {
    for (const grant of this.#grants.slice(-5)) {
      const isLive =
        grant.revokedAt === undefined && this.clock.time > grant.from + 1_000 && this.clock.time < grant.until - 60_000;
      const held = site.parts.records.grant(grant.id);
      if (!held) throw new Violation("I7", `grant ${grant.id} is not at the gateway`);
      const left = grant.limit === null || site.parts.records.rights(held).held >= 1;
      const index = this.#seal.index("pin", grant.pin);
      const outcome = await this.#whileTimePasses(
        presentCredential(site.parts, { accessPoint: "front", presented: { kind: "pin", index } }, undefined),
      );
      const opens = outcome?.outcome === "released";
      const lockedOut = outcome?.outcome === "denied" && outcome.reason === "LOCKED_OUT";
      if (!lockedOut && opens !== (isLive && left)) {
        throw new Violation(
          "L1",
          `grant ${grant.id}: expected ${isLive && left ? "open" : "shut"}, got ${JSON.stringify(outcome)}`,
        );
      }
    }
  }

  async #whileTimePasses<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    let done = false;
    const finished = work?.finally(() => {
      done = true;
    });
    for (let turn = 0; !done && turn < 100; turn += 1) await this.advance(10);
    return finished;
  }

  async #cloudEvents(): Promise<EntryEvent[]> {
    const events: EntryEvent[] = [];
    let path = `/api/sites/${this.#site}/events?limit=100`;
    for (;;) {
      const page = (await this.#admin("GET", path)) as { items: { event: EntryEvent }[]; next: string | null };
      events.push(...page.items.map(({ event }) => event));
      if (!page.next) return events;
      path = `/api/sites/${this.#site}/events?limit=100&after=${encodeURIComponent(page.next)}`;
    }
  }

  #violated(invariant: string, message: string): void {
    this.#violation ??= new Violation(invariant, message);
  }

  get #seal(): CredentialSeal {
    return new CredentialSeal(this.#site, Buffer.from(this.#siteKey, "base64url"));
  }

  get #logger(): Logger {
    const note = (event: string, fields?: LogFields) => {
      const { error } = fields ?? {};
      this.#note(`  ${event}${error instanceof Error ? `: ${error.message}` : ""}`);
    };
    return { debug: () => undefined, info: () => undefined, warn: note, error: note, child: () => this.#logger };
  }

  #note(what: string): void {
    this.trace.push(`${String(Math.round(this.clock.monotonic())).padStart(9)} ${what}`);
  }
}

interface GatewayProcess {
  alive: boolean;
  site: RunningSite;
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}
