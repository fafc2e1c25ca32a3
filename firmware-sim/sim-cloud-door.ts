/**
 * A door on an access controller that is managed from its maker's cloud. The controller decides by the rights that it keeps and by its own
 * clock; the cloud can only change what it keeps, and only while the line stands. Its verbs are physical acts; how the cloud talks to the
 * world is its link's business (links/kisi.ts, links/brivo.ts).
 */
import type { Clock } from "../gateway/ports/clock.ts";

type Unsubscribe = () => void;

/** What somebody shows at the door. */
export type Shown =
  | { readonly kind: "pin"; readonly digits: string }
  | { readonly kind: "phone"; readonly holder: number };

/** One line of what a controller keeps. Validity is [from, until), in milliseconds since 1970; absent: not restricted. */
export interface DoorRight {
  /** The person's number in the cloud. */
  readonly holder: number;
  readonly opensWith: Shown;
  readonly from?: number;
  readonly until?: number;
}

export type DoorRecordKind = "admitted" | "refused" | "exit" | "opened" | "closed" | "forced" | "held-open";

/** What the controller writes down. */
export interface DoorRecord {
  readonly door: number;
  readonly kind: DoorRecordKind;
  /** By the controller's clock, in milliseconds since 1970. */
  readonly at: number;
  readonly shown?: Shown["kind"];
  /** Who it was, where the controller knew. */
  readonly holder?: number;
}

/** What a controller asks of its cloud. */
export interface DoorCloud {
  rights(door: number): readonly DoorRight[];
  /** Comes late, in the order in which it happened, when the line was cut meanwhile. */
  hear(record: DoorRecord): void;
}

/** "held-open" and "locked-down" hold until they are ended; the way out opens in each. */
export type DoorMode = "controlled" | "held-open" | "locked-down";

export interface SimCloudDoorOptions {
  readonly id: number;
  readonly name: string;
  readonly clock: Clock;
  /** How long the strike is released, as set at the controller. */
  readonly unlockMs?: number;
  /** An open leaf is reported as held open after this. */
  readonly heldOpenAfterMs?: number;
  /** From a change in the cloud, or the return of the line, until the controller has it. 0: at once. */
  readonly syncMs?: number;
}

const recordsMax = 500;

export class SimCloudDoor {
  readonly id: number;
  readonly name: string;
  /** May change at any time. */
  syncMs: number;
  /** How far the controller's clock is ahead of the time. */
  clockErrorMs = 0;
  readonly #clock: Clock;
  readonly #unlockMs: number;
  readonly #heldOpenAfterMs: number;
  readonly #listeners = new Set<() => void>();
  #cloud: DoorCloud | undefined;
  #rights: readonly DoorRight[] = [];
  #unsent: DoorRecord[] = [];
  #mode: DoorMode = "controlled";
  #modeSince: number;
  #powered = true;
  #lineUp = true;
  #frozen = false;
  #leaf: "open" | "closed" = "closed";
  #modeEnd: AbortController | undefined;
  #release: AbortController | undefined;
  #openLeaf: AbortController | undefined;
  #sync: AbortController | undefined;

  /** Begins with power and line, shut, knowing nobody. */
  constructor({ id, name, clock, unlockMs = 5_000, heldOpenAfterMs = 30_000, syncMs = 2_000 }: SimCloudDoorOptions) {
    this.id = id;
    this.name = name;
    this.#clock = clock;
    this.#unlockMs = unlockMs;
    this.#heldOpenAfterMs = heldOpenAfterMs;
    this.syncMs = syncMs;
    this.#modeSince = clock.wall();
  }

  get strike(): "released" | "secured" {
    return this.#powered && (this.#release || this.#mode === "held-open") ? "released" : "secured";
  }

  get leaf(): "open" | "closed" {
    return this.#leaf;
  }

  get mode(): DoorMode {
    return this.#mode;
  }

  /** Milliseconds since 1970. */
  get modeSince(): number {
    return this.#modeSince;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** The cloud reaches it. */
  get online(): boolean {
    return this.#powered && this.#lineUp;
  }

  /** What it decides by now, however old. */
  rights(): readonly DoorRight[] {
    return this.#rights;
  }

  /** Called after anything of the above has changed. */
  onChange(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Somebody presses these keys. Returns whether the strike was released. */
  enterPin(digits: string): boolean {
    return this.#show({ kind: "pin", digits });
  }

  /** Somebody holds a phone or a card of this person against the reader. Returns whether the strike was released. */
  usePhone(holder: number): boolean {
    return this.#show({ kind: "phone", holder });
  }

  /** The button beside the way out. */
  pressExit(): void {
    if (!this.#powered) return;
    this.#note("exit");
    this.#releaseStrike();
  }

  /** Somebody pushes. Returns whether the leaf is open then. */
  pushLeaf(): boolean {
    if (this.#leaf === "closed" && this.strike === "released") this.#open("opened");
    return this.#leaf === "open";
  }

  /** With a crowbar. */
  forceLeaf(): void {
    if (this.#leaf === "closed") this.#open(this.strike === "released" ? "opened" : "forced");
  }

  closeLeaf(): void {
    if (this.#leaf === "closed") return;
    this.#openLeaf?.abort();
    this.#openLeaf = undefined;
    this.#leaf = "closed";
    this.#note("closed");
    this.#changed();
  }

  /** By command of the cloud, where it reaches the controller. `forMs`: the controller ends it by itself, with or without a line. */
  setMode(mode: DoorMode, forMs?: number): "done" | "offline" {
    if (!this.online) return "offline";
    this.#takeMode(mode);
    if (forMs === undefined) return "done";
    const end = new AbortController();
    this.#modeEnd = end;
    this.#clock.sleep(forMs, end.signal).then(
      () => {
        if (!end.signal.aborted) this.#takeMode("controlled");
      },
      () => undefined,
    );
    return "done";
  }

  /** By command of the cloud: released for the time that is set at the controller. */
  pulse(): "done" | "offline" | "locked-down" {
    if (!this.online) return "offline";
    if (this.#mode === "locked-down") return "locked-down";
    this.#releaseStrike();
    return "done";
  }

  /** The site's internet fails: the controller works on, and nobody hears of it. */
  cutLine(): void {
    this.#lineUp = false;
    this.#changed();
  }

  restoreLine(): void {
    this.#lineUp = true;
    this.#comeBack();
  }

  /** The strike falls back; what the controller keeps is in its flash. */
  cutPower(): void {
    this.#powered = false;
    this.#release?.abort();
    this.#release = undefined;
    this.#changed();
  }

  restorePower(): void {
    this.#powered = true;
    this.#comeBack();
  }

  /** It stays online and takes in no changes of rights. */
  freezeSync(): void {
    this.#frozen = true;
  }

  thawSync(): void {
    this.#frozen = false;
    this.noticeChange();
  }

  /** From now on this cloud manages it, until the returned function is called. */
  attach(cloud: DoorCloud): Unsubscribe {
    this.#cloud = cloud;
    this.#comeBack();
    return () => {
      this.#cloud = undefined;
      this.#sync?.abort();
      this.#sync = undefined;
    };
  }

  /** The cloud has something new; the controller reads it after `syncMs`. */
  noticeChange(): void {
    if (this.#sync || !this.#cloud || !this.online || this.#frozen) return;
    if (this.syncMs === 0) {
      this.#takeRights();
      return;
    }
    const sync = new AbortController();
    this.#sync = sync;
    this.#clock.sleep(this.syncMs, sync.signal).then(
      () => {
        if (sync.signal.aborted) return;
        this.#sync = undefined;
        this.#takeRights();
      },
      () => undefined,
    );
  }

  #takeMode(mode: DoorMode): void {
    this.#modeEnd?.abort();
    this.#modeEnd = undefined;
    if (this.#mode !== mode) this.#modeSince = this.#clock.wall();
    this.#mode = mode;
    this.#changed();
  }

  #takeRights(): void {
    // What was lost on a line that broke meanwhile is asked for when the line is back.
    if (!this.#cloud || !this.online || this.#frozen) return;
    this.#rights = this.#cloud.rights(this.id);
    this.#changed();
  }

  #comeBack(): void {
    if (this.online && this.#cloud) for (const record of this.#unsent.splice(0)) this.#cloud.hear(record);
    this.noticeChange();
    this.#changed();
  }

  #show(shown: Shown): boolean {
    if (!this.#powered) return false;
    const known = this.#rights.filter(({ opensWith }) => isSame(opensWith, shown));
    const now = this.#now();
    const right = known.find(({ from, until }) => (from ?? now) <= now && now < (until ?? now + 1));
    const admits = right !== undefined && this.#mode !== "locked-down";
    const holder = (right ?? known[0])?.holder;
    this.#note(admits ? "admitted" : "refused", { shown: shown.kind, ...(holder !== undefined && { holder }) });
    if (admits) this.#releaseStrike();
    return admits;
  }

  #releaseStrike(): void {
    this.#release?.abort();
    const release = new AbortController();
    this.#release = release;
    this.#clock.sleep(this.#unlockMs, release.signal).then(
      () => {
        if (release.signal.aborted) return;
        this.#release = undefined;
        this.#changed();
      },
      () => undefined,
    );
    this.#changed();
  }

  #open(kind: "opened" | "forced"): void {
    this.#leaf = "open";
    this.#note(kind);
    const open = new AbortController();
    this.#openLeaf = open;
    this.#clock.sleep(this.#heldOpenAfterMs, open.signal).then(
      () => {
        if (!open.signal.aborted) this.#note("held-open");
      },
      () => undefined,
    );
    this.#changed();
  }

  #note(kind: DoorRecordKind, more: Pick<DoorRecord, "shown" | "holder"> = {}): void {
    if (!this.#powered) return;
    const record = { door: this.id, kind, at: this.#now(), ...more };
    if (this.online && this.#cloud) {
      this.#cloud.hear(record);
      return;
    }
    this.#unsent.push(record);
    if (this.#unsent.length > recordsMax) this.#unsent.shift();
  }

  #now(): number {
    return this.#clock.wall() + this.clockErrorMs;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

function isSame(kept: Shown, shown: Shown): boolean {
  if (kept.kind === "pin") return shown.kind === "pin" && kept.digits === shown.digits;
  return shown.kind === "phone" && kept.holder === shown.holder;
}
