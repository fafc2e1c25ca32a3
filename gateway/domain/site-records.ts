/**
 * All a gateway knows, as its journal tells it: applying the same records in the same order gives the same state, so a snapshot
 * with the lines after it equals the lines alone. Changed by apply() only; no clock, no disk.
 */
import type { AccessPointId } from "./access-point.ts";
import { CodeLedger, type TrailItem } from "./code-trail.ts";
import type { CredentialId, PresentedCredential } from "./credential.ts";
import type { Candidate, RightsView, SiteView } from "./decide.ts";
import { type DoorItem, DoorWork, type HeldOpen, type Unfinished } from "./door-work.ts";
import type { DeviceOrigin, EntryEvent, EventBody, EventSeq } from "./entry-event.ts";
import { type Checksum, type Cursor, type FeedPage, type FeedRow, noCursor, type PeerGateway } from "./feed.ts";
import { FeedSet, type RowItem } from "./feed-set.ts";
import type { GatewayId, Grant, GrantId } from "./grant.ts";
import type { HoldOpen } from "./hold-open.ts";
import type { Instant, Monotonic } from "./instant.ts";
import type { Integration } from "./integration.ts";
import { type GuessedKind, isGuessedKind } from "./lockout.ts";
import type { JournalRecord } from "./record.ts";
import { gatewayOf, held, merge, noRights, type Rights } from "./rights.ts";
import { type LedgerItem, RightsLedger } from "./rights-ledger.ts";
import { candidateOf, placedBy, type SignedPass } from "./signed-pass.ts";
import type { Site } from "./site.ts";
import type { StaffId, StaffMember } from "./staff.ts";
import { type VisitItem, Visits, type VisitsView } from "./visits.ts";
import { type AttemptsItem, type AttemptsView, WrongAttempts } from "./wrong-attempts.ts";

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
      readonly version?: string;
      readonly asksAnew?: boolean;
    }
  | RowItem
  | LedgerItem
  | { readonly item: "revoked"; readonly id: string }
  | AttemptsItem
  | TrailItem
  | VisitItem
  | DoorItem;

type Denied = EventBody & { readonly type: "denied" };

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
  /** Of the program that last started; undefined: of one before this was kept. */
  #version: string | undefined;
  #asksAnew = false;

  readonly #gateway: GatewayId;
  readonly #accessPoints: ReadonlySet<AccessPointId>;
  readonly #set = new FeedSet();
  readonly #revoked = new Set<string>();
  readonly #ledger = new RightsLedger();
  readonly #attempts = new WrongAttempts();
  readonly #codes = new CodeLedger();
  readonly #doors = new DoorWork();
  readonly #visits = new Visits();
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

  get site(): Site | undefined {
    return this.#set.site;
  }

  knowsAccessPoint(id: AccessPointId): boolean {
    return this.#accessPoints.has(id);
  }

  /** Where the row of a signed pass is known, the row decides: the signed form is one more spelling of its code. */
  candidates(presented: PresentedCredential): readonly Candidate[] {
    const { signed } = presented;
    if (!signed) return this.#set.candidates(presented);
    const grant = this.grant(signed.grant);
    if (!grant) return [candidateOf(signed, this.site?.id ?? "", this.#set.namesGrant(signed.grant))];
    const credential = grant.credentials.find(({ id, kind }) => id === signed.credential && kind === "pass");
    return credential ? [{ grant, credential }] : [];
  }

  get isArriving(): boolean {
    return this.#set.isArriving;
  }

  isRevoked(id: GrantId | CredentialId): boolean {
    return this.#revoked.has(id);
  }

  isBlacklisted(candidate: Candidate): boolean {
    return this.#set.isBlacklisted(candidate);
  }

  rights(grant: Grant, signed?: SignedPass): RightsView {
    const rights = merge(this.registers(grant.id), { ...noRights, granted: placedBy(signed) });
    const allowed = grant.entriesAllowed ?? 0;
    const admitted = rights.used - rights.voided;
    const placedHere = held(rights) + admitted;
    // A limit lowered after its rights were placed, or a restored cloud that placed them anew, still binds.
    const isSpent = this.#set.grantRow(grant.id)?.spent === true;
    return {
      held: Math.min(held(rights), allowed - admitted),
      elsewhere: placedHere < allowed && admitted < allowed && !isSpent,
    };
  }

  // What flows and pages ask.

  get gateway(): GatewayId {
    return this.#gateway;
  }

  /** Those that this gateway serves. */
  get accessPoints(): ReadonlySet<AccessPointId> {
    return this.#accessPoints;
  }

  grant(id: GrantId): Grant | undefined {
    return this.#set.grantRow(id)?.body;
  }

  /** Every grant that names the access point, in no order. */
  grantsAt(accessPoint: AccessPointId): Iterable<Grant> {
    return this.#set.grantsAt(accessPoint);
  }

  /** What the cloud wants held open at the access point; whether it stands now is hold-open.ts's to say. */
  holdOpen(accessPoint: AccessPointId): HoldOpen | undefined {
    return this.#set.holdOpen(accessPoint);
  }

  /** What is held open there, by the events of this gateway. */
  heldOpen(accessPoint: AccessPointId): HeldOpen | undefined {
    return this.#doors.heldOpen(accessPoint);
  }

  /** An admission or a command may have released it, and no event says that it is shut again. Asked of locks that relock when told. */
  isToRelock(accessPoint: AccessPointId): boolean {
    return this.#doors.isToRelock(accessPoint);
  }

  /** `userName`: as somebody typed it. */
  staffCalled(userName: string): StaffMember | undefined {
    return this.#set.staffCalled(userName);
  }

  staff(id: StaffId): StaffMember | undefined {
    return this.#set.staff(id);
  }

  /** This gateway's account at the maker whose driver is called so. */
  integration(provider: string): Integration | undefined {
    return this.#set.integration(this.#gateway, provider);
  }

  /** The gateways of the site as the cloud lists them, this one included. */
  peer(id: GatewayId): PeerGateway | undefined {
    return this.#set.peers.get(id);
  }

  /** All of them. */
  peers(): IteratorObject<PeerGateway> {
    return this.#set.peers.values();
  }

  /** The other gateways, those first that may hold entries of the grant: whom the cloud last named, then the home gateway. */
  holdersOf(grant: Grant): GatewayId[] {
    const { peers } = this.#set;
    const likely = [...this.#namedHolders(grant), grant.homeGateway, ...peers.keys()];
    return [...new Set(likely)].filter((id) => id !== this.#gateway && peers.has(id));
  }

  /**
   * The name of the gate that holds the grant's entries: whom they were last given to here, or as far as the cloud knew when it last spoke
   * of them.
   */
  heldAt(grant: Grant): string | undefined {
    const given = Object.keys(this.registers(grant.id).sent).at(-1);
    // Of a pass that has no row yet, its own word is all there is.
    const home = this.grant(grant.id) ? undefined : grant.homeGateway;
    const [gateway = given === undefined ? home : gatewayOf(given)] = this.#namedHolders(grant);
    return gateway === undefined ? undefined : this.peer(gateway)?.name;
  }

  #namedHolders({ id }: Grant): readonly GatewayId[] {
    return this.#set.grantRow(id)?.heldBy ?? [];
  }

  /** The registers of a limited grant; those of a grant never heard of are all zero. */
  registers(grant: GrantId): Rights {
    return this.#ledger.registers(grant);
  }

  /** Every register kept and every id revoked for ever: what the cloud asks for when it has lost its own account. */
  get account(): { readonly rights: Iterable<readonly [GrantId, Rights]>; readonly revoked: Iterable<string> } {
    return { rights: this.#ledger.all(), revoked: this.#revoked.values() };
  }

  /** Take-back orders that wait for their one answer. */
  openOrders(): ReturnType<RightsLedger["openOrders"]> {
    return this.#ledger.openOrders();
  }

  /**
   * The program's version has changed and there are rows that the one before could not read: the cloud is to be asked for the whole set, because
   * it tells what it has told only when it changes. Until the set begins to arrive.
   */
  get asksAnew(): boolean {
    return this.#asksAnew;
  }

  /** Rows held, for the status page. */
  get size(): number {
    return this.#set.size;
  }

  /** The set as this gateway has it; compared with the cloud's when caught up. */
  get checksum(): Checksum {
    return this.#set.checksum;
  }

  /** Of the gates here, the newest. */
  get visits(): VisitsView {
    return this.#visits;
  }

  /** Of a visitor without a pass, by the number that a guard has typed. */
  isDocumentBlacklisted(document: string): boolean {
    return this.#set.isListed("document", document);
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
    return this.site !== undefined && !this.suspect && (!this.#set.resetting || this.syncedAt !== null);
  }

  /**
   * The kind of what a denial looks like guessing at: a PIN or a pass that no grant carries, at a reader nobody watches. A known one at a
   * wrong time, used up or over, is a person; so are those who stand before a gateway that has no records yet, whom a guard looks at, and who show
   * a signed pass that this gateway has no key for.
   */
  guessedKind(denied: Pick<Denied, "via" | "reason" | "scan" | "unproven">): GuessedKind | undefined {
    const { via, reason, scan, unproven } = denied;
    const isMiss = reason === "QR_NOT_FOUND" || reason === "OFFLINE_NO_CACHE";
    return isGuessedKind(via) && isMiss && !scan && !unproven && this.site !== undefined ? via : undefined;
  }

  /**
   * Whether this report, or a later one of the same boot of its device, was taken in before. Another boot begins anew, be its number
   * lower: the box was replaced or reset, and must not stay unheard.
   */
  isRepeat(origin: DeviceOrigin): boolean {
    return this.#doors.isRepeat(origin);
  }

  unfinished(): Unfinished[] {
    return this.#doors.unfinished();
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
        this.#doors.press(record.origin, record.accessPoint);
        break;
      case "tick":
        this.highWater = Math.max(record.setsBack ? this.borneOutAt : this.highWater, record.at);
        if (record.borneOut) this.borneOutAt = Math.max(this.borneOutAt, record.at);
        if (record.syncedAt !== null) this.syncedAt = Math.max(this.syncedAt ?? 0, record.syncedAt);
        // By the same mistake the last poll would lie in the future, and the records never grow old.
        if (record.setsBack && this.syncedAt !== null) this.syncedAt = Math.min(this.syncedAt, record.at);
        // A clock that leaps forward and is set right again would have an entry forgotten that is used.
        this.#ledger.forgetOld(this.borneOutAt, (grant) => this.#set.namesGrant(grant));
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
      resetting: this.#set.resetting,
      suspect: this.suspect,
      ...(this.#version !== undefined && { version: this.#version }),
      ...(this.#asksAnew && { asksAnew: true }),
    };
    const revoked = [...this.#revoked];
    const [before, after] = [
      [this.#set.dump(), this.#ledger.dump()],
      [this.#attempts.dump(now), this.#codes.dump(), this.#visits.dump(), this.#doors.dump()],
    ];
    return (function* () {
      yield facts;
      for (const items of before) yield* items;
      for (const id of revoked) yield { item: "revoked", id };
      for (const items of after) yield* items;
    })();
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
        this.#set.resetting = entry.resetting;
        this.suspect = entry.suspect;
        this.#version = entry.version;
        this.#asksAnew = entry.asksAnew ?? false;
        break;
      case "row":
      case "staged":
        this.#set.restore(entry);
        this.#ledger.noteOrder(entry.row);
        break;
      case "ledger":
        this.#ledger.restore(entry);
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
      case "visit":
      case "unseen-exit":
        this.#visits.restore(entry);
        break;
      default:
        this.#doors.restore(entry);
    }
  }

  #applyEvent(event: EntryEvent, mono: Monotonic): void {
    this.highWater = Math.max(this.highWater, event.at);
    // Of every event, because the one of the boot itself may be lost.
    this.boot = Math.max(this.boot, event.boot);
    switch (event.type) {
      case "admitted":
        if (event.signed) this.#ledger.placeSigned(event.grant, event.signed);
        this.#ledger.spend(event.grant, "used", 1);
        if (isGuessedKind(event.via) && !event.scan) this.#attempts.succeeded(event.via, event.accessPoint, mono);
        break;
      case "void": {
        // Once, and only what that admission took.
        const grant = this.#doors.admittedBy(event.of);
        if (grant !== undefined) this.#ledger.spend(grant, "voided", 1);
        break;
      }
      case "denied": {
        const guessed = this.guessedKind(event);
        if (guessed) this.#attempts.missed(guessed, event.accessPoint, mono);
        break;
      }
      case "pin-guessing":
        this.#attempts.guessingTold("pin", mono);
        break;
      case "pass-guessing":
        this.#attempts.guessingTold("pass", mono);
        break;
      case "rights-returned":
        this.#ledger.move(event.grant, { returned: event.total, order: event.order }, this.highWater);
        this.#ledger.answerOrder(event.grant, event.order);
        break;
      case "rights-sent":
        this.#ledger.move(event.grant, { sent: { [event.to]: event.total } }, this.highWater);
        break;
      case "rights-received":
        this.#ledger.move(event.grant, { received: { [event.from]: event.total } }, this.highWater);
        break;
      case "command-taken":
      case "command-ended":
      case "host-answered":
        this.lastCommand = Math.max(this.lastCommand, event.command);
        break;
      case "code-sent":
      case "code-answered":
      case "code-read":
        this.#codes.apply(event, event.at);
        break;
      case "boot":
        if (event.version !== this.#version && this.#set.hasUnreadable) this.#asksAnew = true;
        this.#version = event.version;
        break;
      case "damage":
        this.#doubtAll();
        break;
    }
    this.#doors.apply(event);
    this.#visits.apply(event);
  }

  #applyPage(page: FeedPage): void {
    const isOfAnotherHistory = page.feed !== this.cursor.feed;
    // A page of another history can only begin a whole set, whatever it says.
    if (page.reset || isOfAnotherHistory) {
      this.#set.reset();
      this.#asksAnew = false;
    }
    if (isOfAnotherHistory) this.#ledger.forgetOrders();
    for (const row of page.rows) {
      this.#revoke(row);
      if (row.kind === "grant") this.#ledger.place(row.body, row, this.suspect);
      this.#ledger.noteOrder(row);
      this.#set.take(row, page.complete);
    }
    if (page.complete) this.#set.complete();
    this.cursor = { feed: page.feed, version: page.to };
  }

  /** Sticky, whichever way the row says it. */
  #revoke(row: FeedRow): void {
    for (const id of row.revoked ?? []) this.#revoked.add(id);
    if (row.kind !== "grant") return;
    if (row.body.revoked) this.#revoked.add(row.body.id);
    for (const { id, revoked } of row.body.credentials) if (revoked) this.#revoked.add(id);
  }

  /** Records are gone: one alone may have spent or given back all that any limited grant held here, or been a page that revoked it. */
  #doubtAll(): void {
    this.#ledger.assumeSpent();
    this.suspect = true;
    this.cursor = noCursor;
    this.syncedAt = null;
  }

  /** Up to an event of an earlier boot: lockouts, kept on the running process's clock, grow older by the time since the one before. */
  #passTime({ boot, mono }: EntryEvent): void {
    const passed = this.#replayed?.boot === boot ? Math.max(0, mono - this.#replayed.mono) : 0;
    this.#replayed = { boot, mono };
    if (passed > 0) this.#attempts.age(passed);
  }
}
