/** The entries of limited grants at this gateway: placed here, used, moved on, and what the cloud asks back. */
import type { FeedRow } from "./feed.ts";
import type { Grant, GrantId } from "./grant.ts";
import type { Instant } from "./instant.ts";
import { held, merge, noRights, type Placement, type Rights, type TakeBackOrder } from "./rights.ts";

/** A grant's rights here, kept 30 days beyond its end, longer than its row. */
interface LedgerEntry {
  readonly rights: Rights;
  readonly until: Instant;
}

export interface LedgerItem extends LedgerEntry {
  readonly item: "ledger";
  readonly grant: GrantId;
}

const keptMs = 30 * 24 * 3_600_000;
const signedKeptMs = 366 * 24 * 3_600_000;

/** `placed`: at this gateway, in all. `until`: when the signed pass ends. */
export interface SignedPlacement {
  readonly placed: number;
  readonly until: Instant;
}

export class RightsLedger {
  readonly #entries = new Map<GrantId, LedgerEntry>();
  /** Take-back orders not answered yet. */
  readonly #orders = new Map<GrantId, TakeBackOrder>();

  /** Those of a grant never heard of are all zero. */
  registers(grant: GrantId): Rights {
    return this.#entries.get(grant)?.rights ?? noRights;
  }

  /** Every register kept. */
  *all(): Generator<readonly [GrantId, Rights]> {
    for (const [grant, { rights }] of this.#entries) yield [grant, rights];
  }

  /** What the cloud has placed here. `isSuspect`: its row, and what was done with its entries, may be what was lost. */
  place(grant: Grant, { granted, incoming }: Placement, isSuspect: boolean): void {
    if (grant.entriesAllowed === null) return;
    const before = this.#entries.get(grant.id);
    const placed = { ...noRights, granted, ...(incoming && { received: incoming }) };
    const rights = merge(before?.rights ?? noRights, placed);
    this.#entries.set(grant.id, { rights, until: Math.max(before?.until ?? 0, grant.validity.until) });
    if (isSuspect) this.spend(grant.id, "used", Math.max(0, held(rights)));
  }

  /** What a signed pass has placed here, whose row may come long after: by then it must not look unused. A pass lasts a year at most. */
  placeSigned(grant: GrantId, { placed, until }: SignedPlacement): void {
    const before = this.#entries.get(grant);
    if (placed === 0 && !before) return;
    const rights = merge(before?.rights ?? noRights, { ...noRights, granted: placed });
    this.#entries.set(grant, { rights, until: Math.max(before?.until ?? 0, until + signedKeptMs) });
  }

  /** Entries came or went. A ledger that was forgotten (its grant ended long ago) begins anew at `now`: what it gave away stays given. */
  move(grant: GrantId, moved: Partial<Rights>, now: Instant): void {
    const before = this.#entries.get(grant);
    const rights = merge(before?.rights ?? noRights, { ...noRights, ...moved });
    this.#entries.set(grant, { rights, until: before?.until ?? now });
  }

  spend(grant: GrantId, register: "used" | "voided", count: number): void {
    const entry = this.#entries.get(grant);
    if (!entry) return;
    const rights = { ...entry.rights, [register]: entry.rights[register] + count };
    this.#entries.set(grant, { ...entry, rights });
  }

  /** Records are gone: one alone may have spent or given back all that any limited grant held here. */
  assumeSpent(): void {
    for (const [grant, { rights }] of this.#entries) this.spend(grant, "used", Math.max(0, held(rights)));
  }

  /** Of grants that ended long before `now` and have no row any more. */
  forgetOld(now: Instant, isKnown: (grant: GrantId) => boolean): void {
    for (const [grant, { until }] of this.#entries)
      if (until + keptMs < now && !isKnown(grant)) this.#entries.delete(grant);
  }

  /** Take-back orders that wait for their one answer. */
  openOrders(): { readonly grant: GrantId; readonly order: TakeBackOrder }[] {
    return [...this.#orders].map(([grant, order]) => ({ grant, order }));
  }

  noteOrder(row: FeedRow): void {
    if (row.kind !== "grant" || !row.order) return;
    if (row.order.no > this.registers(row.id).order) this.#orders.set(row.id, row.order);
  }

  answerOrder(grant: GrantId, no: number): void {
    const open = this.#orders.get(grant);
    if (open && open.no <= no) this.#orders.delete(grant);
  }

  /** The orders of another history are not this one's. */
  forgetOrders(): void {
    this.#orders.clear();
  }

  /** As it is at the call. */
  dump(): Iterable<LedgerItem> {
    // Keys and values apart: an array for each pair would cost the loop milliseconds.
    const [grants, entries] = [[...this.#entries.keys()], [...this.#entries.values()]];
    return (function* () {
      for (const [i, { rights, until }] of entries.entries())
        yield { item: "ledger", grant: grants[i]!, rights, until } as const;
    })();
  }

  restore({ grant, rights, until }: LedgerItem): void {
    this.#entries.set(grant, { rights: { ...noRights, ...rights }, until });
    this.answerOrder(grant, rights.order);
  }
}
