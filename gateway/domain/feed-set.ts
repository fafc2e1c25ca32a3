/**
 * The rows the cloud keeps for this site, as far as they have arrived: what forbids counts at once, what permits only when the set is whole.
 */
import type { AccessPointId } from "./access-point.ts";
import type { PresentedCredential } from "./credential.ts";
import type { Candidate } from "./decide.ts";
import type { Checksum, FeedRow, PeerGateway } from "./feed.ts";
import type { GatewayId, Grant, GrantId } from "./grant.ts";
import type { HoldOpen } from "./hold-open.ts";
import { type Integration, integrationId } from "./integration.ts";
import { narrowerGrant } from "./narrower-grant.ts";
import { type BlacklistEntry, type Site, subjectWord } from "./site.ts";
import { normalUserName, type StaffId, type StaffMember } from "./staff.ts";

export interface RowItem {
  readonly item: "row" | "staged";
  readonly row: FeedRow;
}

const modulus = 1n << 128n;

export class FeedSet {
  site: Site | undefined;
  /** A whole set is arriving; what it does not name goes when it is complete. */
  resetting = false;
  /** Every row of the set, by kind and id. */
  readonly #rows = new Map<string, FeedRow>();
  /** Rows of an incomplete set: a permission counts only when the set is whole. */
  #staged = new Map<string, FeedRow>();
  #liveRows = 0;
  #sum = 0n;
  /** Credential index → the grant (or grants: a PIN may be used again by a later one) that carries it. */
  readonly #byIndex = new Map<string, Grant | Grant[]>();
  /** Subject and value → how many entries name it. */
  readonly #blacklist = new Map<string, number>();
  readonly #peers = new Map<GatewayId, PeerGateway>();
  /** By user name. */
  readonly #staff = new Map<string, StaffMember>();
  /** The grants of the access points that were asked for. */
  readonly #atDoors = new Map<AccessPointId, Map<GrantId, Grant>>();

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

  isBlacklisted({ grant, credential }: Candidate): boolean {
    if (this.#blacklist.size === 0) return false;
    const { id, document } = grant.holder;
    return (
      this.isListed("person", id) ||
      (document !== undefined && this.isListed("document", document)) ||
      this.isListed("grant", grant.id) ||
      this.isListed("credential", credential.id)
    );
  }

  /** With what the cloud says of its entries. */
  grantRow(id: GrantId): (FeedRow & { readonly kind: "grant" }) | undefined {
    const row = this.#rows.get(`grant/${id}`);
    return row?.kind === "grant" ? row : undefined;
  }

  /** Also one that cannot be read. */
  namesGrant(id: GrantId): boolean {
    return this.#rows.has(`grant/${id}`);
  }

  holdOpen(accessPoint: AccessPointId): HoldOpen | undefined {
    const row = this.#rows.get(`hold-open/${accessPoint}`);
    return row?.kind === "hold-open" ? row.body : undefined;
  }

  /** `userName`: as somebody typed it. */
  staffCalled(userName: string): StaffMember | undefined {
    return this.#staff.get(normalUserName(userName));
  }

  staff(id: StaffId): StaffMember | undefined {
    const row = this.#rows.get(`staff/${id}`);
    return row?.kind === "staff" ? row.body : undefined;
  }

  integration(gateway: GatewayId, provider: string): Integration | undefined {
    const row = this.#rows.get(`integration/${integrationId(gateway, provider)}`);
    return row?.kind === "integration" ? row.body : undefined;
  }

  get peers(): ReadonlyMap<GatewayId, PeerGateway> {
    return this.#peers;
  }

  /** In no order. Kept from the first question on, so that it costs a look through all grants once. */
  grantsAt(accessPoint: AccessPointId): Iterable<Grant> {
    const known = this.#atDoors.getOrInsertComputed(accessPoint, () => {
      const there = new Map<GrantId, Grant>();
      for (const row of this.#rows.values())
        if (row.kind === "grant" && row.body.accessPoints.includes(accessPoint)) there.set(row.body.id, row.body);
      return there;
    });
    return known.values();
  }

  /** Whether there are rows that the version which took them in could not read. */
  get hasUnreadable(): boolean {
    for (const rows of [this.#rows, this.#staged])
      for (const { kind } of rows.values()) if (kind === "unreadable") return true;
    return false;
  }

  /** Rows have come that count only when the set is whole. */
  get isArriving(): boolean {
    return this.resetting || this.#staged.size > 0;
  }

  get size(): number {
    return this.#rows.size;
  }

  get checksum(): Checksum {
    return { rows: this.#liveRows, sum: this.#sum.toString(16).padStart(32, "0") };
  }

  /** A whole set begins to arrive; what had arrived of another is void. */
  reset(): void {
    this.#staged.clear();
    this.resetting = true;
  }

  /** A row of a page. `isLastPage`: the set is complete with it. */
  take(row: FeedRow, isLastPage: boolean): void {
    if (isLastPage && this.#staged.size === 0 && !this.resetting) {
      this.#put(row);
      return;
    }
    if (isRestrictive(row)) this.#put(row);
    else this.#narrow(row);
    this.#staged.set(keyOf(row), row);
  }

  /** All pages have arrived. */
  complete(): void {
    if (this.resetting) {
      for (const [key, row] of this.#rows) if (!this.#staged.has(key)) this.#remove(key, row);
    }
    for (const row of this.#staged.values()) this.#put(row);
    this.#staged = new Map();
    this.resetting = false;
  }

  /** As it is at the call: what comes later does not show in what the iterator gives. */
  dump(): Iterable<RowItem> {
    const [rows, staged] = [[...this.#rows.values()], [...this.#staged.values()]];
    return (function* () {
      for (const row of rows) yield { item: "row", row } as const;
      for (const row of staged) yield { item: "staged", row } as const;
    })();
  }

  restore({ item, row }: RowItem): void {
    if (item === "row") this.#put(row);
    else this.#staged.set(keyOf(row), row);
  }

  /**
   * What a staged row takes from the grant it will replace is taken at once, and of staff it counts whole: the old password is void. Its sum
   * stays: the row of the set is still the old one.
   */
  #narrow(row: FeedRow): void {
    const known = this.#rows.get(keyOf(row));
    if (row.kind === "staff" && known?.kind === "staff") this.#put({ ...known, body: row.body });
    if (row.kind !== "grant" || known?.kind !== "grant" || known.sum === row.sum) return;
    this.#put({ ...known, body: narrowerGrant(known.body, row.body) });
  }

  #put(row: FeedRow): void {
    const key = keyOf(row);
    const before = this.#rows.get(key);
    if (before) this.#remove(key, before);
    if (row.kind === "gone") return;
    this.#rows.set(key, row);
    this.#liveRows += 1;
    this.#sum = (this.#sum + BigInt(`0x${row.sum}`)) % modulus;
    if (row.kind === "grant") {
      for (const { index } of row.body.credentials) this.#index(index, row.body);
      for (const point of row.body.accessPoints) this.#atDoors.get(point)?.set(row.body.id, row.body);
    }
    if (row.kind === "blacklist") this.#list(row.body, 1);
    if (row.kind === "site") this.site = row.body;
    if (row.kind === "gateway") this.#peers.set(row.id, row.body);
    if (row.kind === "staff") this.#staff.set(normalUserName(row.body.userName), row.body);
  }

  #remove(key: string, row: FeedRow): void {
    this.#rows.delete(key);
    this.#liveRows -= 1;
    this.#sum = (this.#sum - BigInt(`0x${row.sum}`) + modulus) % modulus;
    if (row.kind === "grant") {
      for (const { index } of row.body.credentials) this.#unindex(index, row.body.id);
      for (const point of row.body.accessPoints) this.#atDoors.get(point)?.delete(row.body.id);
    }
    if (row.kind === "blacklist") this.#list(row.body, -1);
    if (row.kind === "site") this.site = undefined;
    if (row.kind === "gateway") this.#peers.delete(row.id);
    if (row.kind === "staff") this.#forgetStaff(row.body);
  }

  /** The name may be another's by now. */
  #forgetStaff({ id, userName }: StaffMember): void {
    const name = normalUserName(userName);
    if (this.#staff.get(name)?.id === id) this.#staff.delete(name);
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

  isListed(subject: BlacklistEntry["subject"], value: string): boolean {
    return this.#blacklist.has(`${subject}/${subjectWord(subject, value)}`);
  }

  /** Two entries may name the same subject; removing one keeps it listed. */
  #list({ subject, value }: BlacklistEntry, change: 1 | -1): void {
    const key = `${subject}/${subjectWord(subject, value)}`;
    const entries = (this.#blacklist.get(key) ?? 0) + change;
    if (entries > 0) this.#blacklist.set(key, entries);
    else this.#blacklist.delete(key);
  }
}

/** Takes something away: applied at once, even while the set is still arriving. */
function isRestrictive(row: FeedRow): boolean {
  if (row.kind === "unreadable") return row.of === "grant" || row.of === "hold-open" || row.of === "staff";
  if (row.kind === "integration") return !row.body.enabled;
  return row.kind === "gone" || row.kind === "blacklist" || (row.kind === "site" && row.body.lockdown);
}

function keyOf(row: FeedRow): string {
  return `${row.kind === "gone" || row.kind === "unreadable" ? row.of : row.kind}/${row.id}`;
}
