/** One gateway of the simulated site: its disk, its process, which may die at any await, and its doors, which may not obey. */
import type { AccessPoint } from "../../gateway/domain/access-point.ts";
import type { Unfinished } from "../../gateway/domain/door-work.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { Instant, Monotonic } from "../../gateway/domain/instant.ts";
import { isGuessedKind } from "../../gateway/domain/lockout.ts";
import { type Outcome, presentCredential } from "../../gateway/flows/present-credential.ts";
import { recentEvents } from "../../gateway/http/recent-events.ts";
import { attachmentBytesMax } from "../../gateway/ports/attachments.ts";
import type { Clock } from "../../gateway/ports/clock.ts";
import type { Device, Lock } from "../../gateway/ports/device.ts";
import type { Disk } from "../../gateway/ports/disk.ts";
import type { LogFields, Logger } from "../../gateway/ports/logger.ts";
import type { PeerLink } from "../../gateway/ports/peer-link.ts";
import { type RunningSite, startSite } from "../../gateway/site.ts";
import { KeptAttachments } from "../../gateway/storage/kept-attachments.ts";
import type { StoreLimits } from "../../gateway/storage/open-site-store.ts";
import { AttachmentLane } from "../../gateway/sync/attachment-lane.ts";
import { HttpCloudLink } from "../../gateway/sync/http-cloud-link.ts";
import { CredentialSeal } from "../../gateway/wire/credential-seal.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { type DiskOperation, SimDisk } from "../support/sim-disk.ts";
import { aloneOnTheMachine, smallLimits } from "../support/site-store.ts";
import { checkSnapshot, eventsWithRoom } from "./card-image.ts";
import { checkClock } from "./invariants.ts";
import type { Password, StaffAct } from "./staff-play.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

const holdMs = 5_000;

/** A process of a gateway; what a dead one does has no effect. */
export interface GatewayProcess {
  alive: boolean;
  /** undefined while it starts. */
  site: RunningSite;
  /** undefined until the site has started. */
  attachments: KeptAttachments | undefined;
  /** The earliest that it has taken the time for. */
  earliest: Instant;
}

/** A bolt that is out. */
interface Bolt {
  readonly owner: GatewayProcess;
  /** End of its hold time, on the monotonic clock. */
  readonly until: Monotonic;
  /** It stays out until it is told. */
  readonly sticks: boolean;
}

/** A strike that moved, and the record that says why. */
export interface Opening {
  readonly seq: number;
  readonly grant: string | undefined;
  readonly command: number | undefined;
  /** Somebody of the staff asked for it. */
  readonly staff?: StaffAct;
}

export interface NodeIdentity {
  readonly site: string;
  readonly gateway: string;
  readonly epoch: number;
  readonly privateKey: SecretString;
  readonly siteKey: string;
}

export class GatewayNode {
  readonly number: number;
  readonly doors: readonly string[];
  identity: NodeIdentity;
  /** Since its card was put in. */
  openings: Opening[] = [];
  /** By the door; those whose lock reports them, released and not known to be back. */
  readonly bolts = new Map<string, Bolt>();
  readonly limits: Partial<StoreLimits>;
  disk = new SimDisk();
  /** What the machine's own clock is off by. Nobody vouches for it then, and nothing may follow from it. */
  wallOffset = 0;
  /** Whether its line to the cloud, and its port on the LAN, work. */
  lineUp = true;
  lanUp = true;
  /** When the last complete poll was asked whose answer arrived. */
  lastSyncAsked = Number.NEGATIVE_INFINITY;
  /** Grants whose revocation it has confirmed, in whatever feed. */
  readonly confirmedRevoked = new Set<string>();
  /** Grants of which it has confirmed the state that it cannot understand. */
  readonly confirmedUnreadable = new Set<string>();
  /** Passwords of which it has confirmed that they are void. */
  readonly confirmedVoid = new Set<Password>();
  /** Until the process ends, what it writes to the journal does not come back from the disk; as of a card that is about to break. */
  journalHangs = false;
  process: GatewayProcess | undefined;

  readonly #world: World;
  #crashAfterDiskOperations: number | undefined;

  constructor(world: World, number: number, identity: NodeIdentity) {
    this.#world = world;
    this.number = number;
    this.identity = identity;
    const { segmentBytes } = world.profile;
    // All of the journal is kept, because its events are compared with the cloud's from the first on.
    const keptMs = 30 * 24 * 3_600_000;
    this.limits = { ...smallLimits, segmentBytes, snapshotAfterBytes: 131_072, keptBytes: 4_000_000, keptMs };
    this.doors = [`front-${number}`, `side-${number}`];
    this.disk.pause = (operation) => this.#onDiskOperation(operation);
  }

  /** The card broke; a new one was enrolled in its place and knows nothing. */
  replaceCard(identity: NodeIdentity): void {
    this.kill();
    this.identity = identity;
    this.openings = [];
    this.lastSyncAsked = Number.NEGATIVE_INFINITY;
    this.confirmedRevoked.clear();
    this.confirmedUnreadable.clear();
    this.confirmedVoid.clear();
    this.disk = new SimDisk();
    this.disk.pause = (operation) => this.#onDiskOperation(operation);
  }

  get seal(): CredentialSeal {
    return new CredentialSeal(this.identity.site, Buffer.from(this.identity.siteKey, "base64url"));
  }

  /** undefined: the process is down, or too many wait at the door. */
  present(door: string, pin: string): Promise<Outcome> | undefined {
    const site = this.process?.site;
    if (!site) return undefined;
    const presented = { kind: "pin" as const, index: this.seal.index("pin", pin) };
    return presentCredential(site.parts, { accessPoint: door, presented }, undefined);
  }

  async boot(): Promise<void> {
    if (this.process) return;
    const world = this.#world;
    const owner: GatewayProcess = {
      alive: true,
      site: undefined as unknown as RunningSite,
      attachments: undefined,
      earliest: 0,
    };
    const clock: Clock = {
      wall: () => world.clock.wall() + this.wallOffset,
      monotonic: () => world.clock.monotonic(),
      sleep: (ms, signal) =>
        world.clock.sleep(ms, signal).then(
          () => (owner.alive ? undefined : forever()),
          (error: unknown) => (owner.alive ? Promise.reject(error) : forever()),
        ),
    };
    const { gateway, epoch, privateKey } = this.identity;
    const link = new HttpCloudLink(world.base, { gateway, privateKey }, clock, (url, init) =>
      world.send(this, owner, url, init),
    );
    const peers: PeerLink = {
      address: `lan-${this.number}:1`,
      ask: (asked, request, signal) => world.askPeer(this, owner, asked, request, signal),
    };
    const accessPoints: AccessPoint[] = this.doors.map((id) => ({
      id,
      name: id,
      lock: id,
      readers: [id],
      holdMs,
    }));
    const disk = world.bendDisk(this.disk.mount());
    const starting = startSite({
      gateway,
      epoch,
      version: "simulated",
      folder: "/data",
      accessPoints,
      devices: this.doors.map((id) => this.#door(owner, id)),
      seal: this.seal,
      link,
      peers,
      systemClockWithinMs: world.profile.hasClock ? 1_000 : undefined,
      clock,
      disk,
      logger: this.#logger,
      random: () => world.random.next(),
      onFailed: () => undefined,
      nextTurn: () => Promise.resolve(),
      limits: this.limits,
      processes: aloneOnTheMachine,
    });
    this.process = owner;
    let site: RunningSite | undefined;
    starting.then(
      (started) => {
        site = started;
      },
      (error: Error) => this.note(`start failed: ${error.message}`),
    );
    for (let turn = 0; !site && owner.alive && turn < 200; turn += 1) await world.advance(turn < 2 ? 0 : 100);
    if (!owner.alive) return; // it crashed while it started
    if (!site && Number.isFinite(this.disk.capacity)) {
      // Without a byte left and its ballast given up it does not come up, and nothing opens.
      owner.alive = false;
      this.process = undefined;
      return;
    }
    if (!site) throw new Violation("I3", "the gateway does not come up");
    owner.site = site;
    this.note("booted");
    await this.#checkRecovered(site);
    await this.#keepAttachments(owner, site, { disk, link, clock });
  }

  /** As gateway.ts does around a site. */
  async #keepAttachments(
    owner: GatewayProcess,
    site: RunningSite,
    { disk, link, clock }: { readonly disk: Disk; readonly link: HttpCloudLink; readonly clock: Clock },
  ): Promise<void> {
    const bytesMax = 4 * attachmentBytesMax.photo;
    let attachments: KeptAttachments | undefined;
    KeptAttachments.open({ disk, folder: "/data", bytesMax }).then(
      (opened) => {
        attachments = opened;
      },
      (error: Error) => this.note(`no attachments: ${error.message}`),
    );
    for (let turn = 0; !attachments && owner.alive && turn < 100; turn += 1)
      await this.#world.advance(turn < 2 ? 0 : 10);
    if (!attachments || !owner.alive) return;
    owner.attachments = attachments;
    const { journal, records, stopping } = site.parts;
    const queue = () => site.sync.queue;
    const lane = new AttachmentLane({
      attachments,
      link,
      journal,
      visits: records.visits,
      queue,
      clock,
      logger: this.#logger,
    });
    void lane.run(stopping);
  }

  /** The power goes, or the process dies and the machine stays up. */
  kill(): void {
    const process = this.process;
    if (!process) return;
    const { random, profile } = this.#world;
    this.#world.crashes += 1;
    process.alive = false;
    this.process = undefined;
    this.#crashAfterDiskOperations = undefined;
    this.journalHangs = false;
    if (random.chance(profile.processDies)) {
      this.disk.kill();
      this.note("killed");
      return;
    }
    this.#world.powerCuts += 1;
    this.disk.crash(random);
    this.note("without power");
  }

  /** It dies in the middle of the disk operation so many from now. undefined: it does not. */
  crashAfter(operations: number | undefined): void {
    this.#crashAfterDiskOperations = operations;
  }

  /** A clean stop; a crash may come in between. */
  async stop(): Promise<void> {
    const process = this.process;
    if (!process?.site) return;
    let done = false;
    process.site.stop().then(
      () => {
        done = true;
      },
      (error: Error) => this.note(`stop failed: ${error.message}`),
    );
    for (let turn = 0; !done && process.alive; turn += 1) {
      if (turn > 1_000) throw new Violation("L1", "the gateway does not stop");
      await this.#world.advance(10);
    }
    process.alive = false;
    if (this.process === process) this.process = undefined;
  }

  note(what: string): void {
    this.#world.note(`  g${this.number} ${what}`);
  }

  async #onDiskOperation({ name, path }: DiskOperation): Promise<void> {
    if (this.journalHangs && name === "write" && path.startsWith("/data/journal/")) return forever();
    const { clock, random } = this.#world;
    const { diskDelayMs } = this.#world.profile;
    if (diskDelayMs > 0) await clock.sleep(random.int(diskDelayMs));
    if (this.#crashAfterDiskOperations === undefined) return;
    this.#crashAfterDiskOperations -= 1;
    if (this.#crashAfterDiskOperations < 0) this.kill();
  }

  #door(owner: GatewayProcess, id: string): Device {
    const world = this.#world;
    const reports = id === this.doors[0];
    const lock: Lock = {
      relocks: "by-itself",
      release: async () => {
        if (!owner.alive) return forever();
        if (world.happens("lockRefuses")) return "refused";
        this.#onRelease(owner, id);
        const until = world.clock.monotonic() + holdMs;
        if (reports) this.bolts.set(id, { owner, until, sticks: world.happens("boltSticks") });
        return world.happens("lockSilent") ? "unknown" : "confirmed";
      },
      secure: async () => {
        if (!owner.alive) return forever();
        this.bolts.delete(id);
        return "confirmed";
      },
      state: () => ({ bolt: this.#isOut(id) ? "released" : "secured", basis: reports ? "reported" : "assumed" }),
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

  #isOut(door: string): boolean {
    const bolt = this.bolts.get(door);
    if (bolt && !bolt.sticks && this.#world.clock.monotonic() >= bolt.until) this.bolts.delete(door);
    return this.bolts.has(door);
  }

  /** The strike moves: this is the moment most promises are about. */
  #onRelease(owner: GatewayProcess, door: string): void {
    if (owner.site.parts.records.site?.lockdown)
      this.#world.violated("S5", `the strike of ${door} moves, and the gateway knows of a lockdown`);
    const staff = this.#world.staff.underWay;
    if (staff) {
      this.#onStaffRelease(owner, door, staff);
      return;
    }
    const atDoor = owner.site.parts.records.unfinished().filter(({ accessPoint }) => accessPoint === door);
    // Commands wait for their turn, admissions have it. On a full disk nobody writes down how an opening ended, and its cause stays.
    const ofKind = (kind: Unfinished["kind"]) => atDoor.filter((one) => one.kind === kind);
    const causes = [...ofKind("admission"), ...ofKind("command")];
    const cause = causes.find((one) => !this.#hasOpened(one)) ?? causes[0];
    if (cause?.kind !== "admission" && cause?.kind !== "command") {
      this.#world.violated("I3", `the strike of ${door} moves and no record says why`);
      return;
    }
    const opening: Opening = {
      seq: cause.kind === "admission" ? cause.of : 0,
      grant: cause.kind === "admission" ? cause.grant : undefined,
      command: cause.kind === "command" ? cause.command : undefined,
    };
    this.openings.push(opening);
    this.#world.onOpening(this, opening);
  }

  /** Number of the guard's word that event `seq` was written down for. */
  wordOf(seq: number): string | undefined {
    return this.process?.site.parts.records.visits.begunBy(seq)?.nonce;
  }

  #onStaffRelease(owner: GatewayProcess, door: string, staff: StaffAct): void {
    const { records, journal } = owner.site.parts;
    // On a full disk nobody writes down how an earlier order ended: the newest one is under way.
    const cause = records
      .unfinished()
      .findLast((one) => one.kind === "staff-command" && one.accessPoint === door && !this.#hasOpened(one));
    if (cause?.kind !== "staff-command" || journal.durableSeq < cause.of) {
      this.#world.violated("I3", `the strike of ${door} moves for staff, and no record on the disk says why`);
      return;
    }
    const opening: Opening = { seq: cause.of, grant: undefined, command: undefined, staff };
    this.openings.push(opening);
    this.#world.onOpening(this, opening);
  }

  #hasOpened(cause: Unfinished): boolean {
    return this.openings.some(({ seq, command }) =>
      cause.kind === "admission" || cause.kind === "staff-command"
        ? seq === cause.of
        : cause.kind === "command" && command === cause.command,
    );
  }

  /** I3: what opened is in the records that came back. X1: so are lockouts. X2: nothing that was durable was lost. */
  async #checkRecovered(site: RunningSite): Promise<void> {
    const events = new Map((await this.events(site)).map((event) => [event.seq, event]));
    const now = this.#world.clock.monotonic();
    let latest = 0;
    for (const event of events.values()) {
      latest = Math.max(latest, event.at);
      if (event.type === "damage")
        throw new Violation("X2", `a disk that lost nothing durable is told to be damaged: ${JSON.stringify(event)}`);
      if (event.type !== "denied" || !event.lockedOutMs || !isGuessedKind(event.via)) continue;
      const left = event.lockedOutMs - (now - event.mono);
      if (site.parts.records.attempts.lockedOutMs(event.via, event.accessPoint, now) < left - 1)
        throw new Violation("X1", `the lockout of ${event.accessPoint} did not survive`);
    }
    // What the time was before, as far as it was written down, it is not again.
    this.process!.earliest = latest;
    checkClock(this, this.#world.clock.time);
    await checkSnapshot(this);
    const isFull = site.parts.journal.state === "full";
    const recovered = isFull ? new Map((await eventsWithRoom(this)).map((event) => [event.seq, event])) : events;
    for (const { seq, grant, command, staff } of this.openings) {
      if (staff) {
        const event = recovered.get(seq);
        if (event?.type !== "staff-command" || event.staff !== staff.password.member.id)
          throw new Violation("I3", `the opening by staff of event ${seq} is not in the recovered journal`);
        continue;
      }
      if (command !== undefined) {
        if (site.parts.records.lastCommand < command)
          throw new Violation("I3", `command ${command} ran and is not in the recovered journal`);
        continue;
      }
      const event = recovered.get(seq);
      if (event?.type !== "admitted" || event.grant !== grant)
        throw new Violation("I3", `the opening of event ${seq} is not in the recovered journal`);
    }
  }

  /** All events of its journal, in order. */
  async events({ parts }: RunningSite): Promise<EntryEvent[]> {
    const events = await this.#world.whileTimePasses(recentEvents(parts.journal, 100_000));
    return (events ?? []).toSorted((a, b) => a.seq - b.seq);
  }

  get #logger(): Logger {
    const note = (event: string, fields?: LogFields) => {
      const { error } = fields ?? {};
      this.note(`${event}${error instanceof Error ? `: ${error.message}` : ""}`);
    };
    return { debug: () => undefined, info: () => undefined, warn: note, error: note, child: () => this.#logger };
  }
}

export function forever(): Promise<never> {
  return new Promise(() => undefined);
}
