/**
 * One gateway's site in a world whose time moves only when told: the true time, what the machine's own clock shows of it, a line to
 * the cloud that can be cut, and power that can go. Simulated stand the ports (clock, disk, line, lock); all between them is real.
 */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { FeedRow } from "../../gateway/domain/feed.ts";
import type { Grant } from "../../gateway/domain/grant.ts";
import type { HoldOpen } from "../../gateway/domain/hold-open.ts";
import type { Site } from "../../gateway/domain/site.ts";
import { GatewayError } from "../../gateway/errors.ts";
import { presentCredential } from "../../gateway/flows/present-credential.ts";
import { gatewayApp } from "../../gateway/http/app.tsx";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import type { GatewayStatus } from "../../gateway/http/status.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { CloudLink, PollReply, RemoteCommand } from "../../gateway/ports/cloud-link.ts";
import type { Device } from "../../gateway/ports/device.ts";
import { type Logger, silentLogger } from "../../gateway/ports/logger.ts";
import { noPeers } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, type SiteOptions, startSite } from "../../gateway/site.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import { Random } from "./random.ts";
import { SimClock } from "./sim-clock.ts";
import { SimDisk } from "./sim-disk.ts";
import { aCredential, aGrant, aSite, goneRow, grantRow, holdOpenRow, noon, siteRow } from "./site-fixture.ts";
import { aloneOnTheMachine, smallLimits } from "./site-store.ts";
import { statusSources } from "./status-sources.ts";

export interface TimedSiteOptions {
  /** The true time at the beginning. */
  readonly start?: number;
  /** How far the operator, a time service or a battery vouches for the machine's own clock; undefined: nobody does. */
  readonly systemClockWithinMs?: number | undefined;
  readonly site?: Partial<Site>;
  readonly grants?: readonly Grant[];
  /** A lock that cannot be held open. */
  readonly pulseOnly?: boolean;
}

const seal = new CredentialSeal("site-1", new Uint8Array(32));

/** A grant whose PIN is its id. */
export function aPinGrant(pin: string, overrides: Partial<Grant> = {}): Grant {
  return aGrant(pin, { credentials: [aCredential(seal.index("pin", pin))], ...overrides });
}

export class TimedSite {
  readonly clock: SimClock;
  /** A time service has set the machine's clock to within so much since the start. */
  timeServiceWithinMs: number | undefined;
  /** Whether the line to the cloud works. */
  lineUp = true;
  /** What the cloud's clock is off by. */
  cloudOffset = 0;
  /** For how long a command that waits in the cloud is under way to the gateway. */
  answerDelayMs = 20;
  /** Moments at which the strike moved, true time. */
  readonly releases: number[] = [];
  /** Moments at which the bolt went from one side to the other, true time, its own timer's included. */
  readonly moves: { readonly at: number; readonly bolt: "released" | "secured" }[] = [];
  /** Warnings and errors of the log, by name. */
  readonly logged: string[] = [];
  readonly #options: TimedSiteOptions;
  readonly #disk = new SimDisk();
  #version = 1;
  #site: Site;
  readonly #grants = new Map<string, FeedRow>();
  #hold: FeedRow | undefined;
  #revokedHolds: string[] = [];
  #window = new AbortController();
  #commands: RemoteCommand[] = [];
  #lastCommand = 0;
  /** Wakes polls that are held. */
  #news = new AbortController();
  #running: { site: RunningSite; alive: { now: boolean } } | undefined;

  private constructor(options: TimedSiteOptions) {
    this.#options = options;
    this.clock = new SimClock(options.start ?? noon);
    this.#site = aSite(options.site);
    for (const grant of options.grants ?? []) this.#grants.set(grant.id, grantRow(grant));
  }

  /** Running, with its records from the cloud. */
  static async online(options: TimedSiteOptions = {}): Promise<TimedSite> {
    const site = new TimedSite(options);
    await site.powerOn();
    await site.pass(1_000);
    assert.equal(site.running.sync.state, "online");
    return site;
  }

  /** Running, and the cloud was never reached. */
  static async unplugged(options: TimedSiteOptions = {}): Promise<TimedSite> {
    const site = new TimedSite(options);
    site.lineUp = false;
    await site.powerOn();
    return site;
  }

  get running(): RunningSite {
    if (!this.#running) throw new Error("the gateway is off");
    return this.#running.site;
  }

  get policy(): Site["offlineMaxAgeMs"] {
    return this.#site.offlineMaxAgeMs;
  }

  // Power and line.

  async powerOn(): Promise<void> {
    const alive = { now: true };
    const bootedAt = this.clock.monotonic();
    const clock: Clock = {
      wall: () => this.clock.wall(),
      monotonic: () => this.clock.monotonic() - bootedAt,
      sleep: (ms, signal) => this.clock.sleep(ms, signal).then(() => (alive.now ? undefined : forever())),
    };
    const options: SiteOptions = {
      gateway: "gateway-1",
      epoch: 1,
      version: "test",
      folder: "/data",
      accessPoints: [{ id: "front", name: "Front door", lock: "front-lock", readers: [], holdMs: 5_000 }],
      devices: [this.#lock()],
      seal,
      link: this.#link(alive, clock),
      peers: noPeers,
      systemClockWithinMs: this.#options.systemClockWithinMs,
      vouchAgain: async () => this.timeServiceWithinMs,
      clock,
      disk: this.#disk.mount(),
      logger: this.#logger(),
      random: () => 0.5,
      onFailed: (error) => {
        throw error;
      },
      nextTurn: () => Promise.resolve(),
      limits: { ...smallLimits, segmentBytes: 65_536, snapshotAfterBytes: 131_072, keptBytes: 4_000_000 },
      processes: aloneOnTheMachine,
    };
    this.#running = { site: await this.#whileTimeStands(startSite(options)), alive };
    await this.settle();
  }

  /** Without a word: what is not on the disk is gone. */
  powerCut(): void {
    this.#end();
    this.#disk.crash(new Random(7));
  }

  async shutDown(): Promise<void> {
    await this.#whileTimeStands(this.running.stop());
    this.#end();
  }

  /** From now on every write and sync takes this long. */
  slowDisk(ms: number): void {
    this.#disk.pause = async ({ name }) => {
      if (ms > 0 && (name === "write" || name === "sync")) await this.clock.sleep(ms);
    };
  }

  cutLine(): void {
    this.lineUp = false;
    this.#wakePolls();
  }

  /** And waits until the gateway knows. */
  async plugLine(): Promise<void> {
    this.lineUp = true;
    await this.pass(16_000);
    assert.equal(this.running.sync.state, "online");
  }

  // The cloud.

  async changeSite(change: Partial<Site>): Promise<void> {
    this.#version += 1;
    this.#site = { ...this.#site, ...change };
    this.#wakePolls();
    await this.pass(100);
  }

  async addGrant(grant: Grant): Promise<void> {
    this.#version += 1;
    this.#grants.set(grant.id, grantRow(grant, this.#version));
    this.#wakePolls();
    await this.pass(100);
  }

  /** An administrator holds the front door open, or no longer; what stood before is revoked. */
  async holdOpen(hold: HoldOpen | undefined): Promise<void> {
    this.#version += 1;
    if (this.#hold?.kind === "hold-open") this.#revokedHolds = [...this.#revokedHolds, this.#hold.body.id];
    this.#hold = hold
      ? { ...holdOpenRow("front", hold, this.#version), revoked: this.#revokedHolds }
      : goneRow("hold-open", "front", this.#version, this.#revokedHolds);
    this.#wakePolls();
    await this.pass(100);
  }

  /** Someone clicks "unlock"; it is told with the next poll. */
  command(ttlMs: number): void {
    this.#lastCommand += 1;
    const command = { id: this.#lastCommand, accessPoint: "front", action: "unlock", by: "admin" } as const;
    this.#commands.push({ ...command, ageMs: 0, ttlMs });
    this.#wakePolls();
  }

  // The door.

  get bolt(): "released" | "secured" {
    return this.moves.at(-1)?.bolt ?? "secured";
  }

  /** "released", or the reason of the denial. */
  async enter(pin: string): Promise<string> {
    const presented = { kind: "pin" as const, index: seal.index("pin", pin) };
    const asked = presentCredential(this.running.parts, { accessPoint: "front", presented }, undefined);
    assert.ok(asked, "too many wait at the door");
    const outcome = await this.#whileTimeStands(asked);
    await this.settle();
    return outcome.outcome === "denied" ? outcome.reason : outcome.outcome;
  }

  /** One after the other. */
  async enterAll(...pins: readonly string[]): Promise<string[]> {
    const outcomes: string[] = [];
    for (const pin of pins) outcomes.push(await this.enter(pin));
    return outcomes;
  }

  // Time.

  async pass(ms: number): Promise<void> {
    const until = this.clock.monotonic() + ms;
    await this.settle();
    while (this.clock.step(until)) await this.settle();
    await this.settle();
  }

  /** To an instant of true time. */
  async passTo(instant: number): Promise<void> {
    assert.ok(instant >= this.clock.time, "time does not go back");
    await this.pass(instant - this.clock.time);
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) await nextTurn();
  }

  // What it says.

  async status(): Promise<GatewayStatus> {
    return (await (await this.#ask("/api/status")).json()) as GatewayStatus;
  }

  async page(): Promise<string> {
    const answer = await this.#ask("/status");
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    return text;
  }

  /** All of the journal, oldest first. */
  async events(): Promise<EntryEvent[]> {
    return (await this.#whileTimeStands(recentEvents(this.running.parts.journal, 10_000))).reverse();
  }

  async #ask(path: string): Promise<Response> {
    const { parts, sync } = this.running;
    const app = gatewayApp(statusSources(parts, () => ({ state: sync.state, queue: sync.queue })));
    return this.#whileTimeStands(Promise.resolve(app.request(`http://localhost${path}`)));
  }

  #end(): void {
    if (this.#running) this.#running.alive.now = false;
    this.#running = undefined;
    this.#wakePolls();
  }

  #wakePolls(): void {
    const news = this.#news;
    this.#news = new AbortController();
    news.abort();
  }

  async #whileTimeStands<T>(promise: Promise<T>): Promise<T> {
    let done = false;
    promise.then(
      () => {
        done = true;
      },
      () => {
        done = true;
      },
    );
    for (let turn = 0; !done && turn < 10_000; turn += 1) await nextTurn();
    assert.ok(done, "it waits for time to pass");
    return promise;
  }

  #lock(): Device {
    return {
      id: "front-lock",
      start: async () => undefined,
      stop: async () => undefined,
      status: () => ({ link: "online", since: noon }),
      subscribe: () => () => undefined,
      lock: {
        relocks: "by-itself",
        release: async (holdMs) => {
          this.releases.push(this.clock.time);
          return this.#turn("released", holdMs);
        },
        secure: async () => this.#turn("secured"),
        ...(!this.#options.pulseOnly && { hold: async (windowMs: number) => this.#turn("released", windowMs) }),
        state: () => ({ bolt: this.bolt, basis: "reported" }),
      },
    };
  }

  /** Without power of the gateway's own: the bolt comes back when its window is over, whoever is gone by then. */
  #turn(bolt: "released" | "secured", windowMs = 0): "confirmed" {
    this.#window.abort();
    const window = new AbortController();
    this.#window = window;
    if (bolt !== this.bolt) this.moves.push({ at: this.clock.time, bolt });
    if (bolt === "released")
      this.clock.after(windowMs, () => {
        if (!window.signal.aborted) this.#turn("secured");
      });
    return "confirmed";
  }

  #link(alive: { now: boolean }, clock: Clock): CloudLink {
    const dial = (signal: AbortSignal) => {
      signal.throwIfAborted();
      if (!alive.now) return forever();
      if (!this.lineUp) throw new GatewayError("cloud-unreachable", "the line is cut");
      return undefined;
    };
    return {
      poll: async ({ cursor, waitMs, lastCommand }, signal) => {
        await dial(signal);
        const askedAt = clock.monotonic();
        const isNews = () =>
          cursor.version !== this.#version || this.#commands.some(({ id }) => id > lastCommand) || !this.lineUp;
        if (!isNews()) await clock.sleep(waitMs, AbortSignal.any([signal, this.#news.signal])).catch(() => undefined);
        const heldMs = clock.monotonic() - askedAt;
        const commands = this.#commands.filter(({ id }) => id > lastCommand);
        const serverTime = Math.floor(this.clock.time + this.cloudOffset);
        await clock.sleep(this.answerDelayMs, signal);
        await dial(signal);
        const page = {
          feed: "feed-1",
          to: this.#version,
          reset: false,
          complete: true,
          rows: this.#rows(cursor.version),
        };
        return { page, checksum: undefined, commands, serverTime, heldMs } satisfies PollReply;
      },
      push: async (batch, signal) => {
        await dial(signal);
        await clock.sleep(20, signal);
        return { outcome: "taken", next: batch.first + batch.lines.length };
      },
      audit: async (_part, signal) => dial(signal),
      report: async (_report, signal) => dial(signal),
    };
  }

  #rows(known: number): FeedRow[] {
    const rows = [siteRow(this.#site, this.#version), ...this.#grants.values(), ...(this.#hold ? [this.#hold] : [])];
    return known === this.#version ? [] : rows;
  }

  #logger(): Logger {
    const note = (event: string) => void this.logged.push(event);
    return { ...silentLogger, warn: note, error: note, child: () => this.#logger() };
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}
