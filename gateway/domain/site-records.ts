/**
 * All a gateway knows, as its journal tells it: applying the same records in the same order gives the same state, so a snapshot
 * with the lines after it equals the lines alone. Changed by apply() only; no clock, no disk.
 */
import type { AccessPointId, DeviceId } from "./access-point.ts";
import { CodeLedger, type TrailItem } from "./code-trail.ts";
import type { CredentialId, CredentialKind, PresentedCredential } from "./credential.ts";
import type { Candidate, DenyReason, RightsView, SiteView } from "./decide.ts";
import type { DeviceOrigin, EntryEvent, EventSeq } from "./entry-event.ts";
import { type Checksum, type Cursor, type FeedPage, type FeedRow, noCursor, type PeerGateway } from "./feed.ts";
import type { GatewayId, Grant, GrantId } from "./grant.ts";
import type { HoldId, HoldOpen } from "./hold-open.ts";
import type { Instant, Monotonic } from "./instant.ts";
import { narrowerGrant } from "./narrower-grant.ts";
import type { JournalRecord } from "./record.ts";
import { gatewayOf, held, merge, noRights, type Placement, type Rights, type TakeBackOrder } from "./rights.ts";
import type { BlacklistEntry, Site } from "./site.ts";
import { type AttemptsItem, type AttemptsView, WrongAttempts } from "./wrong-attempts.ts";

/** A grant's rights here, kept 30 days beyond its end, longer than its row. */
interface LedgerEntry {
  readonly rights: Rights;
  readonly until: Instant;
}

/** A hold that was begun and has not ended, as events tell it. */
export interface HeldOpen {
  readonly hold: HoldId;
  readonly until: Instant;
}

/** An admission, a command or a press whose outcome is not written down yet. */
export type Unfinished =
  | { readonly kind: "admission"; readonly of: EventSeq; readonly accessPoint: AccessPointId; readonly grant: GrantId }
  | { readonly kind: "command"; readonly command: number; readonly accessPoint: AccessPointId }
  | { readonly kind: "press"; readonly press: DeviceOrigin; readonly accessPoint: AccessPointId | null };

/** One line of a snapshot; see SiteRecords.dump. */
export type SnapshotItem =
  | {
      readonly item: "facts";
      readonly cursor: Cursor;
      readonly acknowledged: EventSeq;
      readonly lastCommand: number;
      readonly boot: number;
      readonly highWater: Instant;
      readonly borneOutAt?: Instant;
      readonly syncedAt: Instant | null;
      readonly resetting: boolean;
      readonly suspect: boolean;
    }
  | { readonly item: "row" | "staged"; readonly row: FeedRow }
  | { readonly item: "ledger"; readonly grant: GrantId; readonly rights: Rights; readonly until: Instant }
  | { readonly item: "revoked"; readonly id: string }
  | AttemptsItem
  | TrailItem
  | ({ readonly item: "held"; readonly accessPoint: AccessPointId } & HeldOpen)
  | { readonly item: "to-relock"; readonly accessPoint: AccessPointId }
  | { readonly item: "seen"; readonly origin: DeviceOrigin }
  | { readonly item: "unfinished"; readonly unfinished: Unfinished };

const modulus = 1n << 128n;
const ledgerKeptMs = 30 * 24 * 3_600_000;
/** A denial that a full disk refused leaves its press open; so many are remembered. */
const openPressesMax = 1_000;

export class SiteRecords implements SiteView {
  cursor: Cursor = noCursor;
  /** The cloud has every event below this number. */
  acknowledged: EventSeq = 1;
  /** Highest remote command ever taken. */
  lastCommand = 0;
  /** Boots seen so far. */
  boot = 0;
  /** Highest time ever written down; the clock is never believed to be before it. */
  highWater: Instant = 0;
  /** The highest of those that a server's word had borne out. What lies beyond may be a mistake of the machine's own clock. */
  borneOutAt: Instant = 0;
  /** When the last complete poll written down was asked; null: never. Goes forward only, so that a clock nobody trusts forgets nothing. */
  syncedAt: Instant | null = null;
  /** Records were lost to damage: nothing is admitted in this epoch any more, because lost lines may have spent any entry of any grant. */
  suspect = false;
  site: Site | undefined;

  readonly #gateway: GatewayId;
  readonly #accessPoints: ReadonlySet<AccessPointId>;
  /** Every row of the set, by kind and id. */
  readonly #rows = new Map<string, FeedRow>();
  /** Rows of an incomplete set: a permission counts only when the set is whole. */
  #staged = new Map<string, FeedRow>();
  #resetting = false;
  #liveRows = 0;
  #sum = 0n;
  /** Credential index → the grant (or grants: a PIN may be used again by a later one) that carries it. */
  readonly #byIndex = new Map<string, Grant | Grant[]>();
  /** Subject and value → how many entries name it. */
  readonly #blacklist = new Map<string, number>();
  readonly #revoked = new Set<string>();
  readonly #ledger = new Map<GrantId, LedgerEntry>();
  readonly #peers = new Map<GatewayId, PeerGateway>();
  /** Take-back orders not answered yet. */
  readonly #orders = new Map<GrantId, TakeBackOrder>();
  readonly #attempts = new WrongAttempts();
  readonly #codes = new CodeLedger();
  readonly #held = new Map<AccessPointId, HeldOpen>();
  /** Released since they were last relocked, as far as anybody knows. Of locks that relock by themselves nothing ends it. */
  readonly #toRelock = new Set<AccessPointId>();
  readonly #seen = new Map<DeviceId, DeviceOrigin>();
  readonly #unfinished = new Map<string, Unfinished>();
  /** The newest event of an earlier boot, while those are replayed. */
  #replayed: { readonly boot: number; readonly mono: Monotonic } | undefined;

  /** `accessPoints`: those this gateway serves; requests at others are denied. */
  constructor(gateway: GatewayId, accessPoints: Iterable<AccessPointId>) {
    this.#gateway = gateway;
    this.#accessPoints = new Set(accessPoints);
  }

  // What decide() asks.

  get revision(): number {
    return this.cursor.version;
  }

  knowsAccessPoint(id: AccessPointId): boolean {
    return this.#accessPoints.has(id);
  }

  candidates(presented: PresentedCredential): readonly Candidate[] {
    const found = this.#byIndex.get(presented.index);
    if (!found) return [];
    const candidates: Candidate[] = [];
    for (const grant of Array.isArray(found) ? found : [found]) {
      for (const credential of grant.credentials) {
        const isPresented = credential.kind === presented.kind && credential.index === presented.index;
        if (isPresented) candidates.push({ grant, credential });
      }
    }
    return candidates;
  }

  isRevoked(id: GrantId | CredentialId): boolean {
    return this.#revoked.has(id);
  }

  isBlacklisted({ grant, credential }: Candidate): boolean {
    if (this.#blacklist.size === 0) return false;
    const { id, document } = grant.holder;
    return (
      this.#listed("person", id) ||
      (document !== undefined && this.#listed("document", document)) ||
      this.#listed("grant", grant.id) ||
      this.#listed("credential", credential.id)
    );
  }

  rights(grant: Grant): RightsView {
    const rights = this.#ledger.get(grant.id)?.rights ?? noRights;
    const allowed = grant.entriesAllowed ?? 0;
    const admitted = rights.used - rights.voided;
    const placedHere = held(rights) + admitted;
    // A limit lowered after its rights were placed, or a restored cloud that placed them anew, still binds.
    const row = this.#rows.get(`grant/${grant.id}`);
    const isSpent = row?.kind === "grant" && row.spent === true;
    return {
      held: Math.min(held(rights), allowed - admitted),
      elsewhere: placedHere < allowed && admitted < allowed && !isSpent,
    };
  }

  // What flows and pages ask.

  get gateway(): GatewayId {
    return this.#gateway;
  }

  grant(id: GrantId): Grant | undefined {
    const row = this.#rows.get(`grant/${id}`);
    return row?.kind === "grant" ? row.body : undefined;
  }

  /** What the cloud wants held open at the access point; whether it stands now is hold-open.ts's to say. */
  holdOpen(accessPoint: AccessPointId): HoldOpen | undefined {
    const row = this.#rows.get(`hold-open/${accessPoint}`);
    return row?.kind === "hold-open" ? row.body : undefined;
  }

  /** What is held open there, by the events of this gateway. */
  heldOpen(accessPoint: AccessPointId): HeldOpen | undefined {
    return this.#held.get(accessPoint);
  }

  /** An admission or a command may have released it, and no event says that it is shut again. Asked of locks that relock when told. */
  isToRelock(accessPoint: AccessPointId): boolean {
    return this.#toRelock.has(accessPoint);
  }

  /** The gateways of the site as the cloud lists them, this one included. */
  peer(id: GatewayId): PeerGateway | undefined {
    return this.#peers.get(id);
  }

  /** All of them. */
  peers(): IteratorObject<PeerGateway> {
    return this.#peers.values();
  }

  /** The other gateways, those first that may hold entries of the grant: whom the cloud last named, then the home gateway. */
  holdersOf(grant: Grant): GatewayId[] {
    const likely = [...this.#namedHolders(grant), grant.homeGateway, ...this.#peers.keys()];
    return [...new Set(likely)].filter((id) => id !== this.#gateway && this.#peers.has(id));
  }

  /**
   * The name of the gate that holds the grant's entries: whom they were last given to here, or as far as the cloud knew when it last spoke
   * of them.
   */
  heldAt(grant: Grant): string | undefined {
    const given = Object.keys(this.registers(grant.id).sent).at(-1);
    const [gateway = given && gatewayOf(given)] = this.#namedHolders(grant);
    return gateway === undefined ? undefined : this.#peers.get(gateway)?.name;
  }

  #namedHolders(grant: Grant): readonly GatewayId[] {
    const row = this.#rows.get(`grant/${grant.id}`);
    return row?.kind === "grant" ? (row.heldBy ?? []) : [];
  }

  /** The registers of a limited grant; those of a grant never heard of are all zero. */
  registers(grant: GrantId): Rights {
    return this.#ledger.get(grant)?.rights ?? noRights;
  }

  /** Every register kept and every id revoked for ever: what the cloud asks for when it has lost its own account. */
  get account(): { readonly rights: Iterable<readonly [GrantId, Rights]>; readonly revoked: Iterable<string> } {
    const ledger = this.#ledger;
    const rights = function* () {
      for (const [grant, entry] of ledger) yield [grant, entry.rights] as const;
    };
    return { rights: rights(), revoked: this.#revoked.values() };
  }

  /** Take-back orders that wait for their one answer. */
  openOrders(): { readonly grant: GrantId; readonly order: TakeBackOrder }[] {
    return [...this.#orders].map(([grant, order]) => ({ grant, order }));
  }

  /** Rows held, for the status page. */
  get size(): number {
    return this.#rows.size;
  }

  /** The set as this gateway has it; compared with the cloud's when caught up. */
  get checksum(): Checksum {
    return { rows: this.#liveRows, sum: this.#sum.toString(16).padStart(32, "0") };
  }

  get attempts(): AttemptsView {
    return this.#attempts;
  }

  /** What was done about the codes inside locks. */
  get codes(): Pick<CodeLedger, "trailsOf" | "at"> {
    return this.#codes;
  }

  /** Whether the records hold the site whole: what they do not name is not wanted, instead of not arrived. */
  get isWhole(): boolean {
    return this.site !== undefined && !this.suspect && (!this.#resetting || this.syncedAt !== null);
  }

  /** Every grant, in no order. */
  *grants(): Generator<Grant> {
    for (const row of this.#rows.values()) if (row.kind === "grant") yield row.body;
  }

  /**
   * Whether a denial is what guessing looks like: a PIN that no grant carries. A known PIN at a wrong time is a person, and so are those
   * who stand before a gateway that has no records yet.
   */
  isGuess(via: CredentialKind, reason: DenyReason): boolean {
    const isMiss = reason === "QR_NOT_FOUND" || reason === "OFFLINE_NO_CACHE";
    return via === "pin" && isMiss && this.site !== undefined;
  }

  /**
   * Whether this report, or a later one of the same boot of its device, was taken in before. Another boot begins anew, be its number
   * lower: the box was replaced or reset, and must not stay unheard.
   */
  isRepeat({ device, boot, seq }: DeviceOrigin): boolean {
    const last = this.#seen.get(device);
    return last !== undefined && boot === last.boot && seq <= last.seq;
  }

  unfinished(): Unfinished[] {
    return [...this.#unfinished.values()];
  }

  /**
   * Applies one record. `now` and `boot` are those of the running process. Lockouts age by what an earlier boot measured on its
   * own monotonic clock; the time between two boots counts as none, because nobody knows how long the power was off.
   */
  apply(record: JournalRecord, now: Monotonic, boot: number): void {
    switch (record.kind) {
      case "event":
        if (record.event.boot !== boot) this.#passTime(record.event);
        this.#applyEvent(record.event, record.event.boot === boot ? record.event.mono : now);
        break;
      case "page":
        this.#applyPage(record.page);
        this.highWater = Math.max(this.highWater, record.at);
        break;
      case "acknowledged":
        this.acknowledged = record.next;
        break;
      case "seen":
        this.#see(record.origin);
        this.#begin({ kind: "press", press: record.origin, accessPoint: record.accessPoint });
        this.#forgetOldPresses();
        break;
      case "tick":
        this.highWater = Math.max(record.setsBack ? this.borneOutAt : this.highWater, record.at);
        if (record.borneOut) this.borneOutAt = Math.max(this.borneOutAt, record.at);
        if (record.syncedAt !== null) this.syncedAt = Math.max(this.syncedAt ?? 0, record.syncedAt);
        // By the same mistake the last poll would lie in the future, and the records never grow old.
        if (record.setsBack && this.syncedAt !== null) this.syncedAt = Math.min(this.syncedAt, record.at);
        this.#forgetOldRights();
        break;
    }
  }

  /** The state as lines, from shallow copies: records applied after the call do not show in what the iterator gives. */
  dump(now: Monotonic): Iterable<SnapshotItem> {
    const facts: SnapshotItem = {
      item: "facts",
      cursor: this.cursor,
      acknowledged: this.acknowledged,
      lastCommand: this.lastCommand,
      boot: this.boot,
      highWater: this.highWater,
      borneOutAt: this.borneOutAt,
      syncedAt: this.syncedAt,
      resetting: this.#resetting,
      suspect: this.suspect,
    };
    return snapshotItems(facts, {
      rows: [...this.#rows.values()],
      staged: [...this.#staged.values()],
      // Keys and values apart: an array for each pair would cost the loop milliseconds.
      ledger: { grants: [...this.#ledger.keys()], entries: [...this.#ledger.values()] },
      revoked: [...this.#revoked],
      attempts: this.#attempts.dump(now),
      codes: this.#codes.dump(),
      held: [...this.#held],
      toRelock: [...this.#toRelock],
      seen: [...this.#seen.values()],
      unfinished: [...this.#unfinished.values()],
    });
  }

  /** The opposite of dump, item by item, on empty records. */
  restore(entry: SnapshotItem, now: Monotonic): void {
    switch (entry.item) {
      case "facts":
        this.cursor = entry.cursor;
        this.acknowledged = entry.acknowledged;
        this.lastCommand = entry.lastCommand;
        this.boot = entry.boot;
        this.highWater = entry.highWater;
        this.borneOutAt = entry.borneOutAt ?? entry.highWater;
        this.syncedAt = entry.syncedAt;
        this.#resetting = entry.resetting;
        this.suspect = entry.suspect;
        break;
      case "row":
        this.#put(entry.row);
        this.#noteOrder(entry.row);
        break;
      case "staged":
        this.#staged.set(keyOf(entry.row), entry.row);
        this.#noteOrder(entry.row);
        break;
      case "ledger":
        this.#ledger.set(entry.grant, { rights: { ...noRights, ...entry.rights }, until: entry.until });
        this.#answerOrder(entry.grant, entry.rights.order);
        break;
      case "revoked":
        this.#revoked.add(entry.id);
        break;
      case "lockout":
      case "wrong-pins":
        this.#attempts.restore(entry, now);
        break;
      case "code":
        this.#codes.restore(entry);
        break;
      case "held":
        this.#held.set(entry.accessPoint, { hold: entry.hold, until: entry.until });
        break;
      case "to-relock":
        this.#toRelock.add(entry.accessPoint);
        break;
      case "seen":
        this.#see(entry.origin);
        break;
      case "unfinished":
        this.#unfinished.set(keyOfUnfinished(entry.unfinished), entry.unfinished);
        break;
    }
  }

  #applyEvent(event: EntryEvent, mono: Monotonic): void {
    this.highWater = Math.max(this.highWater, event.at);
    // Of every event, because the one of the boot itself may be lost.
    this.boot = Math.max(this.boot, event.boot);
    if (event.origin) this.#see(event.origin);
    if ("press" in event && event.press) this.#unfinished.delete(keyOfPress(event.press));
    switch (event.type) {
      case "admitted":
        this.#spend(event.grant, "used", 1);
        this.#toRelock.add(event.accessPoint);
        this.#begin({ kind: "admission", of: event.seq, accessPoint: event.accessPoint, grant: event.grant });
        if (event.via === "pin") this.#attempts.succeeded(event.accessPoint, mono);
        break;
      case "released":
        this.#unfinished.delete(`admission/${event.of}`);
        this.#toRelock.add(event.accessPoint);
        break;
      case "void": {
        // Once, and only what that admission took.
        const admission = this.#unfinished.get(`admission/${event.of}`);
        if (admission?.kind === "admission") this.#spend(admission.grant, "voided", 1);
        this.#unfinished.delete(`admission/${event.of}`);
        break;
      }
      case "denied":
        if (this.isGuess(event.via, event.reason)) this.#attempts.missed(event.accessPoint, mono);
        break;
      case "pin-guessing":
        this.#attempts.guessingTold(mono);
        break;
      case "rights-returned":
        this.#move(event.grant, { ...noRights, returned: event.total, order: event.order });
        this.#answerOrder(event.grant, event.order);
        break;
      case "rights-sent":
        this.#move(event.grant, { ...noRights, sent: { [event.to]: event.total } });
        break;
      case "rights-received":
        this.#move(event.grant, { ...noRights, received: { [event.from]: event.total } });
        break;
      case "command-taken":
        this.lastCommand = Math.max(this.lastCommand, event.command);
        if (event.action === undefined) this.#toRelock.add(event.accessPoint);
        this.#begin({ kind: "command", command: event.command, accessPoint: event.accessPoint });
        break;
      case "command-ended":
        this.lastCommand = Math.max(this.lastCommand, event.command);
        this.#unfinished.delete(`command/${event.command}`);
        if (event.action === undefined && event.result !== "refused" && event.result !== "expired")
          this.#toRelock.add(event.accessPoint);
        break;
      case "held-open":
        this.#held.set(event.accessPoint, { hold: event.hold, until: event.until });
        break;
      case "hold-ended":
        this.#held.delete(event.accessPoint);
        break;
      case "relocked":
        // What is on its way there is released after this.
        if (!this.#isUnderWay(event.accessPoint)) this.#toRelock.delete(event.accessPoint);
        break;
      case "code-sent":
      case "code-answered":
      case "code-read":
        this.#codes.apply(event, event.at);
        break;
      case "damage":
        this.#assumeSpent();
        break;
    }
  }

  #applyPage(page: FeedPage): void {
    // A page of another history can only begin a whole set, whatever it says.
    if (page.reset || page.feed !== this.cursor.feed) {
      this.#staged.clear();
      this.#resetting = true;
    }
    // The orders of another history are not this one's.
    if (page.feed !== this.cursor.feed) this.#orders.clear();
    for (const row of page.rows) {
      this.#revoke(row);
      if (row.kind === "grant") this.#place(row.body, row);
      this.#noteOrder(row);
      if (page.complete && this.#staged.size === 0 && !this.#resetting) this.#put(row);
      else {
        if (isRestrictive(row)) this.#put(row);
        else this.#narrow(row);
        this.#staged.set(keyOf(row), row);
      }
    }
    if (page.complete) this.#completeSet();
    this.cursor = { feed: page.feed, version: page.to };
  }

  /** What a staged row takes from the grant it will replace is taken at once. Its sum stays: the row of the set is still the old one. */
  #narrow(row: FeedRow): void {
    const known = this.#rows.get(keyOf(row));
    if (row.kind !== "grant" || known?.kind !== "grant" || known.sum === row.sum) return;
    this.#put({ ...known, body: narrowerGrant(known.body, row.body) });
  }

  /** Sticky, whichever way the row says it. */
  #revoke(row: FeedRow): void {
    for (const id of row.revoked ?? []) this.#revoked.add(id);
    if (row.kind !== "grant") return;
    if (row.body.revoked) this.#revoked.add(row.body.id);
    for (const { id, revoked } of row.body.credentials) if (revoked) this.#revoked.add(id);
  }

  #completeSet(): void {
    if (this.#resetting) {
      for (const [key, row] of this.#rows) if (!this.#staged.has(key)) this.#remove(key, row);
    }
    for (const row of this.#staged.values()) this.#put(row);
    this.#staged = new Map();
    this.#resetting = false;
  }

  #put(row: FeedRow): void {
    const key = keyOf(row);
    const before = this.#rows.get(key);
    if (before) this.#remove(key, before);
    if (row.kind === "gone") return;
    this.#rows.set(key, row);
    this.#liveRows += 1;
    this.#sum = (this.#sum + BigInt(`0x${row.sum}`)) % modulus;
    if (row.kind === "grant") for (const { index } of row.body.credentials) this.#index(index, row.body);
    if (row.kind === "blacklist") this.#list(row.body, 1);
    if (row.kind === "site") this.site = row.body;
    if (row.kind === "gateway") this.#peers.set(row.id, row.body);
  }

  #remove(key: string, row: FeedRow): void {
    this.#rows.delete(key);
    this.#liveRows -= 1;
    this.#sum = (this.#sum - BigInt(`0x${row.sum}`) + modulus) % modulus;
    if (row.kind === "grant") for (const { index } of row.body.credentials) this.#unindex(index, row.body.id);
    if (row.kind === "blacklist") this.#list(row.body, -1);
    if (row.kind === "site") this.site = undefined;
    if (row.kind === "gateway") this.#peers.delete(row.id);
  }

  #index(index: string, grant: Grant): void {
    const found = this.#byIndex.get(index);
    if (!found) this.#byIndex.set(index, grant);
    else
      this.#byIndex.set(index, [
        ...(Array.isArray(found) ? found : [found]).filter(({ id }) => id !== grant.id),
        grant,
      ]);
  }

  #unindex(index: string, grant: GrantId): void {
    const found = this.#byIndex.get(index);
    const left = Array.isArray(found)
      ? found.filter(({ id }) => id !== grant)
      : found?.id === grant
        ? []
        : found
          ? [found]
          : [];
    if (left.length === 0) this.#byIndex.delete(index);
    else this.#byIndex.set(index, left.length === 1 ? left[0]! : left);
  }

  #listed(subject: BlacklistEntry["subject"], value: string): boolean {
    return this.#blacklist.has(`${subject}/${value}`);
  }

  /** Two entries may name the same subject; removing one keeps it listed. */
  #list({ subject, value }: BlacklistEntry, change: 1 | -1): void {
    const entries = (this.#blacklist.get(`${subject}/${value}`) ?? 0) + change;
    if (entries > 0) this.#blacklist.set(`${subject}/${value}`, entries);
    else this.#blacklist.delete(`${subject}/${value}`);
  }

  #place(grant: Grant, { granted, incoming }: Placement): void {
    if (grant.entriesAllowed === null) return;
    const before = this.#ledger.get(grant.id);
    const placed = { ...noRights, granted, ...(incoming && { received: incoming }) };
    const rights = merge(before?.rights ?? noRights, placed);
    this.#ledger.set(grant.id, { rights, until: Math.max(before?.until ?? 0, grant.validity.until) });
    // Its row, and what was done with its entries, may be what was lost.
    if (this.suspect) this.#spend(grant.id, "used", Math.max(0, held(rights)));
  }

  /** Entries came or went. A ledger that was forgotten (its grant ended long ago) begins anew: what it gave away stays given. */
  #move(grant: GrantId, moved: Rights): void {
    const before = this.#ledger.get(grant);
    const until = before?.until ?? this.highWater;
    this.#ledger.set(grant, { rights: merge(before?.rights ?? noRights, moved), until });
  }

  #noteOrder(row: FeedRow): void {
    if (row.kind !== "grant" || !row.order) return;
    if (row.order.no > this.registers(row.id).order) this.#orders.set(row.id, row.order);
  }

  #answerOrder(grant: GrantId, no: number): void {
    const open = this.#orders.get(grant);
    if (open && open.no <= no) this.#orders.delete(grant);
  }

  #spend(grant: GrantId, register: "used" | "voided", count: number): void {
    const entry = this.#ledger.get(grant);
    if (!entry) return;
    const rights = { ...entry.rights, [register]: entry.rights[register] + count };
    this.#ledger.set(grant, { ...entry, rights });
  }

  /** Records are gone: one alone may have spent or given back all that any limited grant held here, or been a page that revoked it. */
  #assumeSpent(): void {
    for (const [grant, { rights }] of this.#ledger) this.#spend(grant, "used", Math.max(0, held(rights)));
    this.suspect = true;
    this.cursor = noCursor;
    this.syncedAt = null;
  }

  #forgetOldRights(): void {
    for (const [grant, { until }] of this.#ledger) {
      if (until + ledgerKeptMs < this.highWater && !this.#rows.has(`grant/${grant}`)) this.#ledger.delete(grant);
    }
  }

  #begin(unfinished: Unfinished): void {
    this.#unfinished.set(keyOfUnfinished(unfinished), unfinished);
  }

  #isUnderWay(accessPoint: AccessPointId): boolean {
    return this.#unfinished.values().some((one) => one.kind !== "press" && one.accessPoint === accessPoint);
  }

  #forgetOldPresses(): void {
    if (this.#unfinished.size <= openPressesMax) return;
    const oldest = this.#unfinished.values().find(({ kind }) => kind === "press");
    if (oldest) this.#unfinished.delete(keyOfUnfinished(oldest));
  }

  /** Up to an event of an earlier boot: lockouts, kept on the running process's clock, grow older by the time since the one before. */
  #passTime({ boot, mono }: EntryEvent): void {
    const passed = this.#replayed?.boot === boot ? Math.max(0, mono - this.#replayed.mono) : 0;
    this.#replayed = { boot, mono };
    if (passed > 0) this.#attempts.age(passed);
  }

  #see(origin: DeviceOrigin): void {
    if (!this.isRepeat(origin)) this.#seen.set(origin.device, origin);
  }
}

/** Takes something away: applied at once, even while the set is still arriving. */
function isRestrictive(row: FeedRow): boolean {
  if (row.kind === "unreadable") return row.of === "grant" || row.of === "hold-open";
  return row.kind === "gone" || row.kind === "blacklist" || (row.kind === "site" && row.body.lockdown);
}

function keyOf(row: FeedRow): string {
  return `${row.kind === "gone" || row.kind === "unreadable" ? row.of : row.kind}/${row.id}`;
}

function keyOfUnfinished(unfinished: Unfinished): string {
  switch (unfinished.kind) {
    case "admission":
      return `admission/${unfinished.of}`;
    case "command":
      return `command/${unfinished.command}`;
    case "press":
      return keyOfPress(unfinished.press);
  }
}

function keyOfPress({ device, boot, seq }: DeviceOrigin): string {
  return `press/${boot}/${seq}/${device}`;
}

interface Copies {
  readonly rows: readonly FeedRow[];
  readonly staged: readonly FeedRow[];
  readonly ledger: { readonly grants: readonly GrantId[]; readonly entries: readonly LedgerEntry[] };
  readonly revoked: readonly string[];
  readonly attempts: readonly AttemptsItem[];
  readonly codes: readonly TrailItem[];
  readonly held: readonly (readonly [AccessPointId, HeldOpen])[];
  readonly toRelock: readonly AccessPointId[];
  readonly seen: readonly DeviceOrigin[];
  readonly unfinished: readonly Unfinished[];
}

function* snapshotItems(facts: SnapshotItem, copies: Copies): Generator<SnapshotItem> {
  yield facts;
  for (const row of copies.rows) yield { item: "row", row };
  for (const row of copies.staged) yield { item: "staged", row };
  for (const [i, { rights, until }] of copies.ledger.entries.entries())
    yield { item: "ledger", grant: copies.ledger.grants[i]!, rights, until };
  for (const id of copies.revoked) yield { item: "revoked", id };
  yield* copies.attempts;
  yield* copies.codes;
  for (const [accessPoint, held] of copies.held) yield { item: "held", accessPoint, ...held };
  for (const accessPoint of copies.toRelock) yield { item: "to-relock", accessPoint };
  for (const origin of copies.seen) yield { item: "seen", origin };
  for (const unfinished of copies.unfinished) yield { item: "unfinished", unfinished };
}
