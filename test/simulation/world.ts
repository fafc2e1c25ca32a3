/**
 * A site of up to four gateways and its cloud in one process: the real gateway code and the real cloud-sync app, on simulated
 * clocks, disks, lines and a LAN. After every step the invariants are checked; everything random comes from one seed, so a seed
 * replays.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { cloudApp } from "../../cloud-sync/app.ts";
import type { CloudParts } from "../../cloud-sync/cloud-parts.ts";
import { hashOf } from "../../cloud-sync/ids.ts";
import { type FeedChange, publish } from "../../cloud-sync/store/feed.ts";
import { changeGrant, lockGrants, toGrant } from "../../cloud-sync/store/grants.ts";
import type { EntryEvent, EventBody } from "../../gateway/domain/entry-event.ts";
import type { Cursor } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import { giveEntry } from "../../gateway/flows/give-entry.ts";
import type { Outcome } from "../../gateway/flows/present-credential.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Disk } from "../../gateway/ports/disk.ts";
import { silentLogger } from "../../gateway/ports/logger.ts";
import type { EntryReply, EntryRequest } from "../../gateway/ports/peer-link.ts";
import type { RunningSite } from "../../gateway/site.ts";
import { enrol } from "../../gateway/sync/enrol.ts";
import { SecretString } from "../../gateway/wire/secret.ts";
import { Random } from "../support/random.ts";
import { SimClock } from "../support/sim-clock.ts";
import { noon } from "../support/site-fixture.ts";
import { type ActName, drawProfile, type FaultProfile, type FaultRates } from "./fault-profile.ts";
import { forever, GatewayNode, type GatewayProcess, type Opening } from "./gateway-node.ts";
import { GuardPlay } from "./guard-play.ts";
import { checkClock, checkMoment, checkPlaced } from "./invariants.ts";
import type { KnownGrant } from "./known-grant.ts";
import { copySite, readVersion, restoreSite, type SiteCopy } from "./site-copy.ts";
import { StaffPlay, type Stage, staffMaxAgeMs } from "./staff-play.ts";
import { Violation } from "./violation.ts";

/** One cloud for all seeds of a run; each seed has a site of its own. */
export type CloudGround = Omit<CloudParts, "clock" | "logger" | "adminTokenHashes" | "version" | "stopping">;

export interface WorldOptions {
  readonly seed: number;
  readonly ground: CloudGround;
  /** Puts a planted bug between a gateway and its disk; the simulation must catch it. */
  readonly bendDisk?: ((disk: Disk) => Disk) | undefined;
}

const adminToken = "simulated-admin-token-0123456789abcdef";
const hour = 3_600_000;
const visitsMs = [hour / 4, 30 * hour];
/** In so many of the steps staff does something as well, and guards do. */
const staffActs = 0.2;
const guardActs = 0.3;

export class World {
  readonly base = "http://cloud.sim";
  readonly clock: SimClock;
  readonly random: Random;
  /** The last things that happened, for a failing seed. */
  readonly trace: string[] = [];
  readonly profile: FaultProfile;
  readonly staff: StaffPlay;
  readonly guards: GuardPlay;
  steps = 0;
  crashes = 0;
  /** Those of the crashes in which the disk forgot what it had not been told to keep. */
  powerCuts = 0;
  cuts = 0;
  opened = 0;
  restores = 0;

  readonly #options: WorldOptions;
  readonly #app: ReturnType<typeof cloudApp>;
  readonly #inRequest = new AsyncLocalStorage<true>();
  /** Requests the cloud is working on, less those it holds in a long poll. */
  #busy = 0;
  #site = "";
  #feed = "";
  #calm = false;
  readonly #staffDice: Random;
  readonly #guardDice: Random;
  readonly #nodes: GatewayNode[] = [];
  readonly #grants: KnownGrant[] = [];
  /** Visitors' passes. */
  readonly #passes: KnownGrant[] = [];
  readonly #commands = new Map<string, { readonly askedAt: number; runs: number }>();
  /** The newest last. */
  #backups: {
    readonly copy: SiteCopy;
    readonly epochs: readonly number[];
    readonly revoked: ReadonlySet<string>;
  }[] = [];
  #violation: Violation | undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.clock = new SimClock(noon);
    this.profile = drawProfile(options.seed, this.random);
    // Dice of its own: what staff does leaves what befalls the site as it is.
    this.#staffDice = new Random(options.seed + 0x5_7aff);
    this.staff = new StaffPlay(this.#stage(), this.#staffDice);
    this.#guardDice = new Random(options.seed + 0x6_a7d5);
    this.guards = new GuardPlay(this.#stage(), this.staff, this.#guardDice);
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
  }

  #stage(): Stage {
    return {
      nodes: this.#nodes,
      store: this.#options.ground.store,
      lineDelayMs: this.profile.lineDelayMs,
      site: () => this.#site,
      feed: () => this.#feed,
      wall: () => this.clock.time,
      monotonic: () => this.clock.monotonic(),
      admin: (method, path, body) => this.#admin(method, path, body),
      advance: (ms) => this.advance(ms),
      presentAt: (node) => this.#presentAt(node, node.doors[0]!, this.#grants.at(-1)?.code),
      passes: this.#passes,
      invite: (random) => this.#invite(random),
      revoke: (pass) => this.#revoke(pass),
      cutLine: (node) => this.#setLine(node, false),
      working: async (work) => {
        this.#busy += 1;
        try {
          return await work();
        } finally {
          this.#busy -= 1;
        }
      },
      violated: (invariant, message) => this.violated(invariant, message),
      note: (what) => this.note(what),
    };
  }

  async begin(): Promise<void> {
    const site = await this.#admin("POST", "/api/sites", {
      name: "Simulated site",
      zone: "Europe/Lisbon",
      offlineMaxAgeMs: { delivery: hour, staff: staffMaxAgeMs },
    });
    this.#site = String(site.id);
    await this.#admin("PATCH", `/api/sites/${this.#site}`, { signedPasses: "on" });
    this.#calm = true;
    await this.#publishNewerRow();
    for (let number = 1; number <= this.profile.gateways; number += 1) await this.#addGateway(number);
    await this.advance(10_000); // their doors are reported
    this.#feed = await this.#readFeed();
    for (let grant = 0; grant < 2; grant += 1) await this.#createGrant();
    this.#calm = false;
  }

  /** One act of the world, some time, and a look at the invariants. */
  async step(): Promise<void> {
    this.steps += 1;
    await this.#act();
    if (this.#staffDice.chance(staffActs)) await this.staff.act();
    if (this.#guardDice.chance(guardActs)) await this.guards.act();
    await this.advance(this.random.chance(0.7) ? this.random.int(2_000) : this.random.int(40_000));
    checkMoment(this.#nodes, this.clock.time, this.clock.monotonic());
    const held = this.#everyGrant().filter(({ shaken }) => !shaken);
    const limits = new Map(held.flatMap(({ id, limit }) => (limit === null ? [] : [[id, limit] as const])));
    await checkPlaced(this.#options.ground.store, this.#site, limits);
  }

  /** Heals everything, lets time pass, and checks the end state. */
  async calm(): Promise<void> {
    this.note("calm");
    this.#calm = true;
    for (const node of this.#nodes) {
      node.lineUp = true;
      node.lanUp = true;
      node.crashAfter(undefined);
      this.#freeDisk(node);
      await node.boot();
    }
    await this.advance(180_000);
    await this.#checkEnd();
    for (const node of this.#nodes) {
      await this.#checkRestarts(node);
      await node.stop();
    }
  }

  async advance(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.#settle();
    while (this.clock.step(until)) {
      await this.#settle();
      for (const node of this.#nodes) checkClock(node, this.clock.time);
    }
    await this.#settle();
  }

  bendDisk(disk: Disk): Disk {
    return this.#options.bendDisk?.(disk) ?? disk;
  }

  happens(fault: keyof FaultRates): boolean {
    return !this.#calm && this.random.chance(this.profile.rates[fault]);
  }

  violated(invariant: string, message: string): void {
    this.#violation ??= new Violation(invariant, message);
  }

  note(what: string): void {
    this.trace.push(`${String(Math.round(this.clock.monotonic())).padStart(9)} ${what}`);
  }

  #everyGrant(): readonly KnownGrant[] {
    return [...this.#grants, ...this.#passes];
  }

  // What may happen.

  async #act(): Promise<void> {
    const several = this.#nodes.length > 1;
    const acts: Readonly<Record<ActName, false | (() => Promise<void> | void)>> = {
      present: () => this.#present(),
      rush: several && (() => this.#rush()),
      grant: () => this.#createGrant(),
      limit: () => this.#changeLimit(),
      revoke: () => this.#revokeAny(),
      "revoke-at-the-door": () => this.#revokeAtTheDoor(),
      unlock: () => this.#unlock(this.#anyNode()),
      crash: () => this.#crash(),
      "crash-soon": () => this.#anyNode().crashAfter(this.random.int(12)),
      "crash-twice": () => this.#crashTwice(this.#anyNode()),
      cut: () => this.#setLine(this.#anyNode(), false),
      heal: () => this.#setLine(this.#anyNode(), true),
      "cut-lan": several && (() => this.#setLan(this.#anyNode(), false)),
      "heal-lan": several && (() => this.#setLan(this.#anyNode(), true)),
      "clean-restart": () => this.#restart(this.#anyNode()),
      "long-outage": () => this.#longOutage(),
      backup: () => this.#copyCloud(),
      restore: () => this.#restoreCloud(),
      "replace-card": () => this.#replaceCardForGood(this.#anyNode()),
      guess: () => this.#guess(),
      "clock-jump": !this.profile.hasClock && (() => this.#jump()),
      "disk-full": () => this.#fillDisk(),
      "disk-free": () => this.#freeDisk(this.#anyNode()),
      "newer-event": () => this.#writeNewerEvent(this.#anyNode()),
    };
    const possible = Object.entries(acts).filter(([, act]) => act) as [ActName, () => Promise<void> | void][];
    const { weights } = this.profile;
    let draw = this.random.int(possible.reduce((sum, [name]) => sum + weights[name], 0));
    for (const [name, act] of possible) {
      draw -= weights[name];
      if (draw >= 0) continue;
      this.note(name);
      await act();
      return;
    }
  }

  #anyNode(): GatewayNode {
    return this.random.pick(this.#nodes);
  }

  async #present(): Promise<void> {
    const node = this.#anyNode();
    if (!node.process) return node.boot();
    const known = this.random.chance(0.9) ? this.#pickGrant() : undefined;
    const times = this.random.chance(0.2) ? 1 + this.random.int(4) : 1;
    for (let time = 0; time < times; time += 1) this.#presentAt(node, this.random.pick(node.doors), known?.code);
    await this.#settle();
  }

  /** One credential at every gateway at once, and perhaps again when all are up. */
  async #rush(): Promise<void> {
    const pin = this.#pickGrant()?.code;
    this.#presentEverywhere(pin);
    await this.#settle();
    if (!this.random.chance(this.profile.insists)) return;
    await this.advance(this.random.int(3_000));
    for (const node of this.#nodes) await node.boot();
    this.#presentEverywhere(pin);
    await this.#settle();
  }

  #presentEverywhere(pin: string | undefined): void {
    for (const node of this.#nodes) for (const door of node.doors) this.#presentAt(node, door, pin);
  }

  /** Rather a recent one: older ones have ended or been revoked. */
  #pickGrant(): KnownGrant | undefined {
    if (this.#grants.length === 0) return undefined;
    return this.random.pick(this.random.chance(0.8) ? this.#grants.slice(-3) : this.#grants);
  }

  #presentAt(node: GatewayNode, door: string, pin = "0000000"): void {
    node
      .present(door, pin)
      ?.then((outcome) => node.note(`${outcome.outcome} ${"reason" in outcome ? outcome.reason : ""}`))
      .catch((error: Error) => node.note(`request failed: ${error.message}`));
  }

  async #createGrant(): Promise<void> {
    const grant = await this.#makeGrant(this.random.pick(this.profile.grantKinds), "pin", this.random);
    this.#grants.push(grant);
    if (this.random.chance(0.05)) await this.#restrictAnew(grant);
  }

  async #invite(random: Random): Promise<void> {
    this.#passes.push(await this.#makeGrant("visitor", "pass", random, visitsMs));
  }

  async #makeGrant(
    kind: string,
    via: KnownGrant["via"],
    random: Random,
    livesMs = this.profile.livesMs,
  ): Promise<KnownGrant> {
    const { limited, entriesMost } = this.profile;
    const limit = random.chance(limited) ? 1 + random.int(entriesMost) : null;
    const from = this.clock.time + (random.chance(0.2) ? 60_000 : -1_000);
    const until = from + random.pick(livesMs);
    const document = via === "pass" ? `X-${this.#passes.length}` : undefined;
    const homeGateway = random.pick(this.#nodes).identity.gateway;
    const made = await this.#admin("POST", `/api/sites/${this.#site}/grants`, {
      kind,
      holder: { name: "Pat Holder", ...(document !== undefined && { document }) },
      accessPoints: this.#nodes.flatMap(({ doors }) => doors),
      from: new Date(from).toISOString(),
      until: new Date(until).toISOString(),
      entriesAllowed: limit,
      homeGateway,
      credentials: [{ kind: via }],
    });
    const { id, credentials } = made as { id: string; credentials: { value: string }[] };
    const nothing = { signed: undefined, revoked: undefined, barred: undefined, unreadable: undefined };
    const code = credentials[0]!.value;
    return { id, kind, via, code, document, homeGateway, limit, from, until, ...nothing, shaken: false, openings: 0 };
  }

  /** A newer cloud puts a restriction on it that this version of the gateway has never heard of. */
  async #restrictAnew(grant: KnownGrant): Promise<void> {
    const { store } = this.#options.ground;
    const version = await store.transaction(async (tx) => {
      const [row] = await lockGrants(tx, this.#site, [grant.id]);
      const body: Grant = { ...toGrant(row!), mustUnderstand: ["moon-phase"] };
      return changeGrant(tx, row!, body, {}, Math.floor(this.clock.time)).then(() => readVersion(tx, this.#site));
    });
    grant.unreadable = { feed: this.#feed, version };
    this.note("  with a restriction nobody knows");
  }

  /** A newer cloud has a kind of row that this version of the gateway has never heard of. */
  async #publishNewerRow(): Promise<void> {
    const row = { kind: "weather", id: "sky", body: { colour: "blue" } } as unknown as FeedChange;
    await this.#options.ground.store.transaction((tx) =>
      publish(tx, this.#site, [row], Math.floor(this.clock.time)).then(() => undefined),
    );
  }

  /** A newer gateway writes down what the cloud has never heard of. */
  #writeNewerEvent(node: GatewayNode): void {
    const body = { type: "weather", colour: "blue", grant: 7 } as unknown as EventBody;
    try {
      node.process?.site?.parts.journal.recordEvent(body);
    } catch (error) {
      node.note(`no room for what is new: ${(error as Error).message}`);
    }
  }

  async #changeLimit(): Promise<void> {
    const limited = this.#grants.filter(({ limit, revoked, shaken }) => limit !== null && !revoked && !shaken);
    if (limited.length === 0) return;
    const grant = this.random.pick(limited);
    const wanted = 1 + this.random.int(4);
    const path = `/api/sites/${this.#site}/grants/${grant.id}`;
    const after = await this.#admin("PATCH", path, { entriesAllowed: wanted });
    // A lower limit holds once no more entries are out than it allows; those used before stay used.
    const holds = !after.limitPending;
    this.note(`  ${grant.limit} → ${wanted}${holds ? "" : ", pending"}`);
    if (wanted > grant.limit! || holds) grant.limit = Math.max(wanted, Number(after.entriesUsed));
  }

  async #revokeAny(): Promise<void> {
    const live = this.#grants.filter(({ revoked, shaken }) => !revoked && !shaken);
    if (live.length > 0) await this.#revoke(this.random.pick(live));
  }

  async #revoke(grant: KnownGrant): Promise<void> {
    const { version } = await this.#admin("POST", `/api/sites/${this.#site}/grants/${grant.id}/revoke`);
    grant.revoked = { feed: this.#feed, version: Number(version) };
  }

  /** The revocation and its holder arrive at about the same time. */
  async #revokeAtTheDoor(): Promise<void> {
    const grant = this.#grants.at(-1);
    if (!grant || grant.revoked || grant.shaken) return;
    await this.#revoke(grant);
    const node = this.#anyNode();
    for (const door of node.doors) {
      await this.advance(this.random.int(this.profile.lineDelayMs));
      this.#presentAt(node, door, grant.code);
    }
  }

  async #unlock(node: GatewayNode): Promise<void> {
    const path = `/api/sites/${this.#site}/access-points/${this.random.pick(node.doors)}/unlock`;
    const made = await this.#admin("POST", path).catch(() => undefined); // its doors may not be reported yet
    if (made) this.#commands.set(`${node.number}/${made.id}`, { askedAt: this.clock.time, runs: 0 });
  }

  #setLine(node: GatewayNode, up: boolean): void {
    if (!up && node.lineUp) this.cuts += 1;
    node.lineUp = up;
  }

  #setLan(node: GatewayNode, up: boolean): void {
    node.lanUp = up;
  }

  async #restart(node: GatewayNode): Promise<void> {
    if (!node.process) return;
    await node.stop();
    await node.boot();
  }

  async #longOutage(): Promise<void> {
    for (const node of this.#nodes) this.#setLine(node, false);
    await this.advance(this.random.pick([30 * 60_000, 70 * 60_000]));
    for (const node of this.#nodes) for (const door of node.doors) this.#presentAt(node, door, this.#pickGrant()?.code);
    await this.#settle();
  }

  async #crash(): Promise<void> {
    const node = this.#anyNode();
    if (!node.process) return;
    node.kill();
    await this.#settle();
    if (this.random.chance(0.8)) await node.boot();
  }

  /** In the middle of writing down many at once, and again as soon as it is up. */
  async #crashTwice(node: GatewayNode): Promise<void> {
    await node.boot();
    node.crashAfter(this.random.int(3));
    for (let time = 0; time < 3; time += 1)
      for (const door of node.doors) this.#presentAt(node, door, this.#pickGrant()?.code);
    await this.advance(500);
    node.kill();
    await node.boot();
    await this.advance(this.random.int(30));
    node.kill();
    await node.boot();
  }

  /** A card breaks. What it had and did not tell stays spent, so limited grants of that time are not held to be usable. */
  async #replaceCard(node: GatewayNode): Promise<void> {
    const { site, gateway } = node.identity;
    const { code } = await this.#admin("POST", `/api/sites/${site}/gateways/${gateway}/enrolment-codes`);
    const { enrolled, privateKey } = await this.#enrol(String(code));
    node.replaceCard({ ...node.identity, epoch: enrolled.epoch, siteKey: enrolled.siteKey, privateKey });
    for (const grant of this.#everyGrant()) if (grant.limit !== null) grant.shaken = true;
    await node.boot();
  }

  /** The new card comes into a backup too. */
  async #replaceCardForGood(node: GatewayNode): Promise<void> {
    await this.#replaceCard(node);
    await this.advance(5_000);
    await this.#copyCloud();
  }

  /** Somebody tries PINs. */
  async #guess(): Promise<void> {
    const node = this.#anyNode();
    const door = this.random.pick(node.doors);
    for (let guess = 0; guess < 5; guess += 1) this.#presentAt(node, door);
    await this.#settle();
  }

  #jump(): void {
    this.#anyNode().wallOffset = this.random.pick([-10 * 365 * 24 * hour, -hour, 0, hour, 10 * 365 * 24 * hour]);
  }

  async #fillDisk(): Promise<void> {
    const node = this.#anyNode();
    const { disk } = node;
    disk.capacity = disk.used + this.random.int(20_000);
    if (this.profile.name !== "full") return;
    // People keep coming until not one more record fits.
    for (let time = 0; time < 25; time += 1) {
      for (const door of node.doors) this.#presentAt(node, door, this.#pickGrant()?.code);
      await this.advance(300);
    }
  }

  #freeDisk({ disk }: GatewayNode): void {
    disk.capacity = Number.POSITIVE_INFINITY;
  }

  async #copyCloud(): Promise<void> {
    this.#backups.push({
      copy: await copySite(this.#options.ground.store, this.#site),
      epochs: this.#nodes.map(({ identity }) => identity.epoch),
      revoked: new Set(
        this.#everyGrant()
          .filter(({ revoked }) => revoked)
          .map(({ id }) => id),
      ),
    });
    this.#backups = this.#backups.slice(-3);
  }

  /** The cloud comes back from one of its backups: it has forgotten what came after, and its gateways have not. */
  async #restoreCloud(): Promise<void> {
    if (this.#backups.length === 0) return;
    const { copy, epochs, revoked } = this.random.pick(this.#backups);
    await restoreSite(this.#options.ground.store, copy, Math.floor(this.clock.time));
    this.#feed = await this.#readFeed();
    this.#options.ground.store.wakes.wake(this.#site);
    this.restores += 1;
    this.staff.forget();
    this.guards.forget();
    for (const grant of this.#everyGrant()) {
      grant.shaken = true;
      const isForgotten = grant.revoked && !revoked.has(grant.id);
      // Whether a gateway that had not confirmed it knew of it nobody can say; only confirmed ones are held to it from now on.
      if (isForgotten) grant.revoked = undefined;
      grant.unreadable = undefined;
    }
    for (const node of this.#nodes) node.confirmedUnreadable.clear();
    // A card the restored cloud has never heard of is not let in: it has to be enrolled anew.
    for (const [index, node] of this.#nodes.entries())
      if (node.identity.epoch !== epochs[index]) await this.#replaceCard(node);
    await this.#presentForgotten(revoked);
  }

  /** Holders whose revocation the cloud has forgotten try their luck. */
  async #presentForgotten(remembered: ReadonlySet<string>): Promise<void> {
    const knew = (id: string) => this.#nodes.filter(({ confirmedRevoked }) => confirmedRevoked.has(id));
    const forgotten = this.#grants.filter(({ id }) => !remembered.has(id) && knew(id).length > 0).slice(-2);
    if (this.random.chance(0.5))
      for (const node of new Set(forgotten.flatMap(({ id }) => knew(id)))) await this.#leaveAlone(node);
    for (let turn = 0; turn < 6 && forgotten.length > 0; turn += 1) {
      await this.advance(this.random.int(1_000));
      for (const { id, code } of forgotten) for (const node of knew(id)) this.#presentAt(node, node.doors[0]!, code);
    }
  }

  /** Its line goes as soon as it has the set of the restored cloud, and before its account has brought anything back. */
  async #leaveAlone(node: GatewayNode): Promise<void> {
    const isThere = () => node.process?.site?.parts.records.cursor.feed === this.#feed;
    for (let turn = 0; turn < 200 && !isThere(); turn += 1) await this.advance(20);
    this.#setLine(node, false);
  }

  async #addGateway(number: number): Promise<void> {
    const made = await this.#admin("POST", `/api/sites/${this.#site}/gateways`, { name: `gateway ${number}` });
    const { enrolled, privateKey } = await this.#enrol(String(made.code));
    const { gateway, epoch, siteKey } = enrolled;
    const node = new GatewayNode(this, number, { site: this.#site, gateway, epoch, privateKey, siteKey });
    this.#nodes.push(node);
    await node.boot();
    await this.advance(1_000);
  }

  #enrol(code: string) {
    return enrol(this.base, new SecretString(code), "simulated", (url, init) => this.#ask(url, init));
  }

  onOpening(node: GatewayNode, { seq, grant, command, staff }: Opening): void {
    this.opened += 1;
    checkClock(node, this.clock.time);
    if (staff) this.staff.onOpening(node, staff);
    if (command !== undefined) this.#checkCommand(node, command);
    const known = this.#everyGrant().find(({ id }) => id === grant);
    if (command === undefined) this.guards.onOpening(node, seq, known);
    if (!known) return;
    known.openings += 1;
    if (known.limit !== null && known.openings > known.limit)
      this.violated("I1", `grant ${known.id} opened ${known.openings} times, its limit is ${known.limit}`);
    if (node.confirmedRevoked.has(known.id))
      this.violated("I2", `grant ${known.id} opened at a gateway that had confirmed its revocation`);
    if (node.confirmedUnreadable.has(known.id))
      this.violated("V2", `grant ${known.id} opened at a gateway that cannot understand it`);
    if (node.process?.site.parts.records.isRevoked(known.id))
      this.violated("I2", `grant ${known.id} opened at a gateway that knew it was revoked`);
    if (known.kind === "delivery" && this.clock.monotonic() - node.lastSyncAsked > hour + 5_000)
      this.violated("I6", "opened on records older than their kind allows");
    if (this.clock.time < known.from || this.clock.time >= known.until)
      this.violated("I6", `grant ${known.id} opened outside its validity`);
  }

  #checkCommand(node: GatewayNode, command: number): void {
    const asked = this.#commands.get(`${node.number}/${command}`);
    if (!asked) {
      this.violated("I5", `command ${command} ran and nobody asked for it`);
      return;
    }
    asked.runs += 1;
    if (asked.runs > 1) this.violated("I5", `command ${command} ran ${asked.runs} times`);
    const age = this.clock.time - asked.askedAt;
    if (age > 10_000 + 100) this.violated("I5", `command ${command} ran ${age} ms after it was asked for`);
  }

  // The network.

  /** As a gateway sends: through a line that may be cut and that loses, repeats and delays. */
  async send(node: GatewayNode, owner: GatewayProcess, url: string, init: RequestInit): Promise<Response> {
    const { signal } = init;
    const down = () => !node.lineUp;
    const asked = this.clock.monotonic();
    const delay = () => this.clock.sleep(1 + this.random.int(this.profile.lineDelayMs), signal ?? undefined);
    await delay();
    if (down() || this.happens("loseRequest")) return this.#noAnswer(owner);
    this.#hearAcknowledgement(node, url);
    if (this.happens("repeatRequest") && !url.includes("/feed")) await this.#ask(url, init);
    const response = await this.#ask(url, init);
    await delay();
    if (down() || this.happens("loseAnswer")) return this.#noAnswer(owner);
    if (!owner.alive) return forever();
    await this.#hearAnswer(node, url, response, asked);
    return response;
  }

  async #noAnswer(owner: GatewayProcess): Promise<Response> {
    if (!owner.alive) return forever();
    throw new TypeError("the line is down");
  }

  /** As one gateway asks another, whose port may be cut off and whose answer may be lost. */
  async askPeer(
    node: GatewayNode,
    owner: GatewayProcess,
    gateway: string,
    request: EntryRequest,
    signal: AbortSignal,
  ): Promise<EntryReply | undefined> {
    const asked = this.#nodes.find(({ identity }) => identity.gateway === gateway);
    const down = () => (this.#calm ? !this.profile.lanAtRest : !(node.lanUp && asked?.lanUp));
    const delay = () => this.clock.sleep(1 + this.random.int(this.#calm ? 5 : 300), signal);
    await delay();
    const site = asked?.process?.site;
    if (!site || down() || this.happens("loseRequest")) return undefined;
    if (this.happens("crashWhenAsked")) asked.crashAfter(this.random.int(2));
    const reply = await Promise.race([giveEntry(site.parts, request), aborted(signal)]);
    await delay();
    if (down() || this.happens("losePeerAnswer")) return undefined;
    return owner.alive ? reply : forever();
  }

  #hearAcknowledgement(node: GatewayNode, url: string): void {
    if (!url.includes("/feed")) return;
    const query = new URL(url).searchParams;
    const confirms = (state: Cursor | undefined) =>
      query.get("feed") === state?.feed && Number(query.get("cursor")) >= state.version;
    this.staff.hear(node, confirms);
    this.guards.hear(node, confirms);
    for (const { id, revoked, unreadable } of this.#everyGrant()) {
      if (confirms(revoked)) node.confirmedRevoked.add(id);
      if (confirms(unreadable)) node.confirmedUnreadable.add(id);
    }
  }

  async #hearAnswer(node: GatewayNode, url: string, response: Response, asked: number): Promise<void> {
    if (response.status === 400 || (response.status === 409 && url.includes("/journal")))
      this.violated("I8", `an honest gateway was refused: ${await response.clone().text()}`);
    if (!url.includes("/feed") || !response.ok) return;
    const reply = (await response.clone().json()) as { complete: boolean };
    if (reply.complete) node.lastSyncAsked = Math.max(node.lastSyncAsked, asked);
  }

  /** Straight to the cloud; awaited work is counted, so that time stands still until it is done. */
  async #ask(url: string, init: RequestInit): Promise<Response> {
    this.#busy += 1;
    try {
      return await this.#inRequest.run(true, async () => this.#app.request(url.slice(this.base.length), init));
    } finally {
      this.#busy -= 1;
    }
  }

  async #admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await this.#ask(this.base + path, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
  }

  async #readFeed(): Promise<string> {
    return String((await this.#admin("GET", `/api/sites/${this.#site}`)).feed);
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

  // What must hold at rest.

  async #checkEnd(): Promise<void> {
    const { version, auditSince } = await this.#admin("GET", `/api/sites/${this.#site}`);
    if (auditSince) throw new Violation("L1", "at rest the audit has not ended");
    const there = await this.#cloudEvents();
    for (const node of this.#nodes) {
      const site = node.process?.site;
      if (!site) throw new Violation("I7", "a gateway is down at the end");
      const { gateway, epoch } = node.identity;
      await this.#checkNode(node, site, Number(version), there.get(`${gateway}.${epoch}`) ?? []);
    }
    for (const { id, revoked } of this.#everyGrant()) {
      if (!revoked && !this.#nodes.some(({ confirmedRevoked }) => confirmedRevoked.has(id))) continue;
      const grant = await this.#admin("GET", `/api/sites/${this.#site}/grants/${id}`).catch(() => undefined);
      if (grant && grant.state !== "revoked") throw new Violation("I2", `the revocation of ${id} did not come back`);
    }
    await this.#checkCounts([...there.values()].flat());
    await this.staff.check(there);
    await this.guards.check(there);
    await this.#checkLiveness();
  }

  async #checkNode(node: GatewayNode, site: RunningSite, version: number, there: readonly EntryEvent[]): Promise<void> {
    const { state, queue } = site.sync;
    if (state !== "online") throw new Violation("I7", `at rest gateway ${node.number} is ${state}`);
    if (queue !== 0) throw new Violation("I7", `at rest ${queue} events wait at gateway ${node.number}`);
    const here = await node.events(site);
    const bodies = (events: readonly EntryEvent[]) => JSON.stringify(events.map(asTheCloudReadsIt));
    if (bodies(here) !== bodies(there))
      throw new Violation("I4", `the journal has ${here.length} events, the cloud ${there.length}, or they differ`);
    if (here.some(({ type }) => type === "checksum-mismatch")) throw new Violation("I7", "the sets had come apart");
    if (site.parts.records.cursor.version !== version) throw new Violation("I7", "the cursors differ at rest");
    let before = 0;
    for (const { at, seq } of here) {
      if (at < before) throw new Violation("T1", `event ${seq} is earlier than the one before`);
      before = at;
    }
  }

  /** By what the cloud has been told, nobody was admitted more often than allowed. */
  async #checkCounts(events: readonly EntryEvent[]): Promise<void> {
    for (const { id, limit, shaken } of this.#everyGrant()) {
      const count = (type: string) =>
        events.filter((one) => one.type === type && "grant" in one && one.grant === id).length;
      const admitted = count("admitted") - count("void");
      const grant = await this.#admin("GET", `/api/sites/${this.#site}/grants/${id}`).catch(() => undefined);
      if (grant && grant.entriesUsed !== admitted && !shaken)
        throw new Violation("I4", `${id}: ${grant.entriesUsed} entries counted, ${admitted} admissions told`);
      if (limit !== null && admitted > limit) throw new Violation("I1", `${id}: ${admitted} admissions of ${limit}`);
    }
  }

  /** A right that is left opens any door within 45 s; one that is not opens none. */
  async #checkLiveness(): Promise<void> {
    for (const grant of this.#grants.slice(-6)) {
      const isLive = () =>
        !grant.revoked &&
        !grant.unreadable &&
        this.clock.time > grant.from + 1_000 &&
        this.clock.time < grant.until - 120_000;
      if (grant.shaken) continue;
      const used = await this.#admin("GET", `/api/sites/${this.#site}/grants/${grant.id}`);
      const left = grant.limit === null || Number(used.entriesUsed) < Number(used.entriesAllowed);
      const expected = isLive() && left;
      const node = this.#anyNode();
      let outcome: Outcome | undefined;
      for (let waited = 0; waited <= 45_000; waited += 5_000) {
        outcome = await this.whileTimePasses(node.present(node.doors[0]!, grant.code));
        const lockedOut = outcome?.outcome === "denied" && outcome.reason === "LOCKED_OUT";
        if (outcome?.outcome === "released" || lockedOut || !expected) break;
        await this.advance(5_000);
      }
      const opens = outcome?.outcome === "released";
      const lockedOut = outcome?.outcome === "denied" && outcome.reason === "LOCKED_OUT";
      if (!lockedOut && opens !== expected)
        throw new Violation(
          "L1",
          `${grant.id}: expected ${expected ? "open" : "shut"}, got ${JSON.stringify(outcome)}`,
        );
    }
  }

  /**
   * What it has learned, a lockout too, is there after a power cut, from the journal, and after a clean stop, from the snapshot. Before the
   * power goes, much is begun and nothing of it reaches the disk.
   */
  async #checkRestarts(node: GatewayNode): Promise<void> {
    const [front, side] = node.doors as [string, string];
    await this.#createGrant();
    const revoked = this.#grants.at(-1)!;
    for (let guess = 0; guess < 5; guess += 1) this.#presentAt(node, front);
    await this.advance(1_000);
    this.#presentAt(node, side); // an event that lies behind the lockout
    await this.advance(1_000);
    node.journalHangs = true;
    this.#presentAt(node, side);
    node.process?.site.cache.snapshot().catch(() => undefined);
    await this.#unlock(node);
    await this.#revoke(revoked);
    await this.advance(3_000);
    node.kill();
    node.lineUp = false;
    await node.boot();
    this.#presentAt(node, side, revoked.code);
    await this.advance(1_000);
    node.lineUp = true;
    await this.#restart(node);
  }

  /** Some work of a gateway needs time to pass. undefined: it does not end. */
  async whileTimePasses<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    let done: { readonly value: T } | undefined;
    const finished = work?.then((value) => {
      done = { value };
    });
    for (let turn = 0; !done && turn < 500; turn += 1) await Promise.race([this.advance(10), finished]);
    return done?.value;
  }

  /** Gateway and epoch → its events in the order of their numbers. */
  async #cloudEvents(): Promise<Map<string, EntryEvent[]>> {
    const events: CloudEvent[] = [];
    let path = `/api/sites/${this.#site}/events?limit=100`;
    for (;;) {
      const page = (await this.#admin("GET", path)) as {
        items: CloudEvent[];
        next: string | null;
      };
      events.push(...page.items);
      if (!page.next) break;
      path = `/api/sites/${this.#site}/events?limit=100&after=${encodeURIComponent(page.next)}`;
    }
    const ofGateway = Map.groupBy(events, ({ gateway, epoch }) => `${gateway}.${epoch}`);
    return new Map(
      [...ofGateway].map(([gateway, items]) => [
        gateway,
        items.map(({ seq, event }) => event ?? unread(seq)).toSorted((a, b) => a.seq - b.seq),
      ]),
    );
  }
}

interface CloudEvent {
  readonly gateway: string;
  readonly epoch: number;
  readonly seq: number;
  /** null: it could not be read. */
  readonly event: EntryEvent | null;
}

/** An event that only a newer version knows; the cloud keeps its bytes and its place. */
function unread(seq: number): EntryEvent {
  return { seq, type: "weather" } as unknown as EntryEvent;
}

function asTheCloudReadsIt(event: EntryEvent): string {
  return JSON.stringify(String(event.type) === "weather" ? unread(event.seq) : event);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
