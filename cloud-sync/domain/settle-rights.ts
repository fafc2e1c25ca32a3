/**
 * Where the entries of a limited grant lie, and who gets or gives some next. Pure. The one rule that keeps the limit: entries are
 * placed only while all placed less all returned is below it. Everything else here is about being useful, not about being safe.
 */
import type { GatewayId } from "../../gateway/domain/grant.ts";
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import { gatewayOf, type HolderId, type Placement } from "../../gateway/domain/rights.ts";

/** The registers of one holder as far as the cloud has heard. */
export interface Holding {
  readonly holder: HolderId;
  readonly granted: number;
  readonly returned: number;
  /** Admissions less voids. */
  readonly used: number;
  /** Entries an order showed to be gone without a record, as after damage. */
  readonly writtenOff: number;
  /** The last take-back order given, for how many, and the last one answered. */
  readonly orderNo: number;
  readonly orderN: number;
  readonly orderAnswered: number;
  /** When entries were last placed here. */
  readonly placedAt: Instant | null;
  /** Somebody was denied here for want of an entry. */
  readonly askedAt: Instant | null;
}

/** Entries that went from one holder to another over the LAN, in all. */
export interface Transfer {
  readonly from: HolderId;
  readonly to: HolderId;
  readonly total: number;
}

export interface RightsAccount {
  readonly allowed: number;
  readonly home: GatewayId;
  readonly holdings: readonly Holding[];
  readonly transfers: readonly Transfer[];
}

/** Holders that can be reached, with when each was last heard. */
export type InService = ReadonlyMap<HolderId, Instant | null>;

/** Nobody waits at a door longer; a later scan asks again. */
const askLifeMs: Millis = 2 * 60_000;
/** A moved entry stays this long, or two busy doors pass it to and fro. */
const heldAtLeastMs: Millis = 30_000;

export function noHolding(holder: HolderId): Holding {
  const nothing = { granted: 0, returned: 0, used: 0, writtenOff: 0, orderNo: 0, orderN: 0, orderAnswered: 0 };
  return { holder, ...nothing, placedAt: null, askedAt: null };
}

export function holdingOf(account: RightsAccount, holder: HolderId): Holding {
  return account.holdings.find((one) => one.holder === holder) ?? noHolding(holder);
}

export function withHolding(account: RightsAccount, holding: Holding): RightsAccount {
  return { ...account, holdings: [...account.holdings.filter(({ holder }) => holder !== holding.holder), holding] };
}

/** Of every holder, also of one that was only sent entries over the LAN and has told nothing of the grant itself. */
function allHoldings({ holdings, transfers }: RightsAccount): Holding[] {
  const known = new Set(holdings.map(({ holder }) => holder));
  const receivers = new Set(transfers.map(({ to }) => to).filter((to) => !known.has(to)));
  return [...holdings, ...[...receivers].map(noHolding)];
}

/** Entries that are out: only the difference to the limit may still be placed. */
export function outstanding({ holdings }: RightsAccount): number {
  return holdings.reduce((sum, { granted, returned }) => sum + granted - returned, 0);
}

/** What the holder should still have, by what it has told. Below zero where a lenient gate has admitted beyond its rights. */
export function heldAt({ transfers }: RightsAccount, holding: Holding): number {
  const { holder, granted, returned, used, writtenOff } = holding;
  const moved = transfers.reduce(
    (sum, { from, to, total }) => sum + (to === holder ? total : 0) - (from === holder ? total : 0),
    0,
  );
  return granted - returned - used - writtenOff + moved;
}

/** The limit was lowered and more entries than it allows are still out. */
export function isLowering(account: RightsAccount): boolean {
  const excess = outstanding(account) - account.allowed;
  return excess > 0 && allHoldings(account).some((holding) => heldAt(account, holding) > 0);
}

/** Places what is free, where it was asked for or else at home; asks back what is wanted elsewhere or is too much. */
export function settle(before: RightsAccount, inService: InService, now: Instant): RightsAccount {
  return askBack(placeFree(forgetAsks(before, inService, now), inService, now), inService, now);
}

function forgetAsks(account: RightsAccount, inService: InService, now: Instant): RightsAccount {
  const holdings = account.holdings.map((holding) => {
    const { holder, askedAt } = holding;
    const waits =
      askedAt !== null && now - askedAt <= askLifeMs && inService.has(holder) && heldAt(account, holding) < 1;
    return waits || askedAt === null ? holding : { ...holding, askedAt: null };
  });
  return { ...account, holdings };
}

function placeFree(before: RightsAccount, inService: InService, now: Instant): RightsAccount {
  let account = before;
  let free = account.allowed - outstanding(account);
  for (const asking of asks(account)) {
    if (free < 1) return account;
    account = place(account, asking.holder, 1, now);
    free -= 1;
  }
  const home = [...inService.keys()].find((holder) => gatewayOf(holder) === account.home);
  return free > 0 && home !== undefined ? place(account, home, free, now) : account;
}

function place(account: RightsAccount, holder: HolderId, entries: number, now: Instant): RightsAccount {
  const holding = holdingOf(account, holder);
  return withHolding(account, { ...holding, granted: holding.granted + entries, placedAt: now, askedAt: null });
}

function askBack(before: RightsAccount, inService: InService, now: Instant): RightsAccount {
  let account = before;
  const excess = outstanding(account) - account.allowed;
  let wanted = (excess > 0 ? excess : asks(account).length) - ordered(account);
  for (const holding of donors(account, inService)) {
    if (wanted < 1) break;
    const rested = holding.placedAt === null || now - holding.placedAt >= heldAtLeastMs;
    if (excess <= 0 && !rested) continue;
    const n = excess > 0 ? Math.min(wanted, heldAt(account, holding)) : 1;
    account = withHolding(account, { ...holding, orderNo: holding.orderNo + 1, orderN: n });
    wanted -= n;
  }
  return account;
}

/** Oldest first. */
function asks({ holdings }: RightsAccount): Holding[] {
  return holdings.filter(({ askedAt }) => askedAt !== null).sort((a, b) => a.askedAt! - b.askedAt!);
}

/** Entries asked back and not answered for yet. */
function ordered({ holdings }: RightsAccount): number {
  return holdings.reduce((sum, holding) => sum + (isOrdered(holding) ? holding.orderN : 0), 0);
}

function isOrdered({ orderNo, orderAnswered }: Holding): boolean {
  return orderNo > orderAnswered;
}

/** Who can give: lately heard of first, then who has most. */
function donors(account: RightsAccount, inService: InService): Holding[] {
  const heard = (holding: Holding) => inService.get(holding.holder) ?? 0;
  return allHoldings(account)
    .filter((one) => inService.has(one.holder) && !isOrdered(one) && one.askedAt === null && heldAt(account, one) >= 1)
    .sort((a, b) => heard(b) - heard(a) || heldAt(account, b) - heldAt(account, a));
}

/** The holder tells how much it has returned in all, in answer to an order. What it should still have and did not give is gone. */
export function noteReturned(account: RightsAccount, holder: HolderId, total: number, order: number): RightsAccount {
  const before = holdingOf(account, holder);
  const isAnswer = order === before.orderNo && order > before.orderAnswered;
  // Not more than can be out, whatever the gateway says: the limit of the others does not hang on its word.
  const used = account.holdings.reduce((sum, one) => sum + Math.max(0, one.used), 0);
  const given = Math.max(0, Math.min(total - before.returned, outstanding(account) - used));
  const after: Holding = {
    ...before,
    returned: before.returned + given,
    orderNo: Math.max(before.orderNo, order),
    orderAnswered: Math.max(before.orderAnswered, order),
  };
  const missing = isAnswer && given < before.orderN ? Math.max(0, heldAt(account, after)) : 0;
  return withHolding(account, { ...after, writtenOff: after.writtenOff + missing });
}

/** Either end's word for a transfer proves it. */
export function noteTransfer(account: RightsAccount, { from, to, total }: Transfer): RightsAccount {
  const others = account.transfers.filter((one) => one.from !== from || one.to !== to);
  const known = account.transfers.find((one) => one.from === from && one.to === to)?.total ?? 0;
  return { ...account, transfers: [...others, { from, to, total: Math.max(known, total) }] };
}

/** What the rows of the feed say to each holder. */
export function placements(account: RightsAccount): Map<HolderId, Placement> {
  return new Map(
    allHoldings(account).map((holding) => {
      const { holder } = holding;
      const incoming = account.transfers.filter(({ to }) => to === holder).map(({ from, total }) => [from, total]);
      return [
        holder,
        {
          granted: holding.granted,
          ...(isOrdered(holding) && { order: { no: holding.orderNo, n: holding.orderN } }),
          ...(incoming.length > 0 && { incoming: Object.fromEntries(incoming) }),
        },
      ];
    }),
  );
}

/** Where entries are left, most first; asked: some are asked back. */
export function entriesLeft(account: RightsAccount): { gateway: GatewayId; held: number; asked: boolean }[] {
  return allHoldings(account)
    .map((one) => ({ gateway: gatewayOf(one.holder), held: heldAt(account, one), asked: isOrdered(one) }))
    .filter(({ held }) => held > 0)
    .sort((a, b) => b.held - a.held);
}

/** Every entry is used, as far as the cloud has heard: none is left to be placed, and nobody holds one, wherever they have moved. */
export function isSpent(account: RightsAccount): boolean {
  const gone = account.holdings.reduce((sum, { used, writtenOff }) => sum + used + writtenOff, 0);
  return outstanding(account) >= account.allowed && gone >= outstanding(account);
}

/** Gateways that hold entries, most first. */
export function heldBy(account: RightsAccount): GatewayId[] {
  return [...new Set(entriesLeft(account).map(({ gateway }) => gateway))];
}
