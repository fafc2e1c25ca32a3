/** Looks after stays that have or had a code: what somebody must do something about becomes an alarm, and what is done with ends. */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type CodeStatusState, codeStatus } from "./domain/code-status.ts";
import type { MessageFacts } from "./domain/guest-messages.ts";
import { accountEndedAt } from "./domain/member-account.ts";
import { spareTimes } from "./domain/spare-pool.ts";
import {
  alarmKinds,
  earliest,
  type OverCode,
  type StayDoor,
  standingOf,
  toldOnceKinds,
  type WatchedStay,
  watchedKinds,
  watchStay,
} from "./domain/stay-alarms.ts";
import { gatherEvidence } from "./evidence.ts";
import { planKeyCode } from "./key-codes.ts";
import { messageFactsOf } from "./message-facts.ts";
import { planGuestMessage } from "./plan-message.ts";
import { giveSpare } from "./spare-codes.ts";
import { endCauses, raiseAlarm } from "./stay-alarms.ts";
import { placeKept } from "./stay-window.ts";
import { type BookingRow, clashesOf, lockBooking, lockWatched, watchNow, writeBooking } from "./store/bookings.ts";
import { type PublishedGrant, readGrant, toGrant } from "./store/grants.ts";
import { findProperty, type Property } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { evidenceAtDoors, revokedAccountsAtDoors } from "./temp-code.ts";

const hourMs: Millis = 3_600_000;
/** Of a code that is over: its lock has it, or its gateway, which has not heard that it is. */
const holdsOn: readonly CodeStatusState[] = ["still-on-lock", "waiting-gateway"];
/** Nobody gives one stay a new code oftener while a lock is away. */
const grantsMax = 12;
/** One that could not be looked after. */
const tryAgainMs: Millis = 5 * 60_000;

/** The one that has waited for longest; false: none is due. */
export async function watchDue(parts: CloudParts): Promise<boolean> {
  const { store, clock, logger } = parts;
  let taken: BookingRow | undefined;
  try {
    return await store.transaction(async (tx) => {
      taken = await lockWatched(tx, clock.wall());
      if (!taken) return false;
      await lookAfter(tx, taken, clock.wall());
      return true;
    });
  } catch (error) {
    const row = taken;
    if (!row) throw error;
    logger.error("stay-not-watched", { site: row.siteId, booking: row.id, error: error as Error });
    // Whatever it is, it must not keep the stays behind it waiting.
    await store.transaction(async (tx) => {
      const again = await lockBooking(tx, row.siteId, row.id);
      if (again) await writeBooking(tx, again, { watchAt: clock.wall() + tryAgainMs });
    });
    return true;
  }
}

async function lookAfter(tx: Transaction, row: BookingRow, now: Instant): Promise<void> {
  const { siteId: site, id: booking } = row;
  const [property, siteRow] = [await findProperty(tx, row.propertyId), await readSite(tx, site)];
  if (!property || !siteRow || row.forgottenAt !== null) {
    await endCauses(tx, { site, booking, kinds: alarmKinds }, now);
    await writeBooking(tx, row, { watchAt: null });
    return;
  }
  const clashes = await clashesOf(tx, row);
  const { present, ...stay } = await readStay(tx, { row, property, site: siteRow, clashes }, now);
  const { alarms, lookAt } = watchStay(stay, now);
  const { doors, wantedSince } = stay;
  // Digits that still open are not replaced.
  const isNowhere = doors.every((door) => standingOf(door) !== "short");
  const isLate =
    isNowhere && alarms.some(({ kind }) => kind === "no-code") && now >= stay.window.from - spareTimes.giveBeforeMs;
  // What it has then is looked at at once.
  if (isLate && (await giveSpare(tx, { row, property, site: siteRow, ...stay.window }, now))) return;
  for (const { kind, level, detail } of alarms) await raiseAlarm(tx, { site, booking, kind, level, detail }, now);
  const gone = watchedKinds.filter((kind) => !alarms.some((alarm) => alarm.kind === kind));
  const isOver = now >= stay.window.until || row.status === "cancelled" || row.status === "completed";
  await endCauses(tx, { site, booking, kinds: isOver ? [...gone, ...toldOnceKinds] : gone }, now);
  const told = await planGuestMessage(tx, { row, zone: siteRow.zone, present, doors, wantedSince }, now);
  const isReady = doors.length > 0 && doors.every((door) => standingOf(door) === "ready");
  const keyCode = await planKeyCode(tx, row, { isReady, begins: stay.window.from }, now);
  const watchAt = earliest(lookAt, told, keyCode.lookAt, isOver ? null : stay.window.until);
  await writeBooking(tx, row, { watchAt, ...keyCode.change });
  // Of two that clash the later one is the alarm's, whichever was changed.
  const later = clashes.filter((one) => !isBefore(one, row) && one.watchAt !== null && one.watchAt > now + tryAgainMs);
  await watchNow(
    tx,
    site,
    later.map(({ id }) => id),
    now,
  );
}

const isBefore = (one: BookingRow, other: BookingRow) =>
  one.createdAt < other.createdAt || (one.createdAt === other.createdAt && one.id < other.id);

interface Watched {
  readonly row: BookingRow;
  readonly property: Property;
  readonly site: SiteRow;
  readonly clashes: readonly BookingRow[];
}

/** Its code and those that it had before, the newest first: each may still be in a lock that has not heard of its end. */
async function grantsOf(tx: Transaction, { siteId, grantId, formerGrantId }: BookingRow): Promise<PublishedGrant[]> {
  const found = new Map<string, PublishedGrant>();
  const named: unknown[] = [grantId, formerGrantId];
  for (const id of named) {
    if (typeof id !== "string" || found.has(id) || found.size === grantsMax) continue;
    const grant = await readGrant(tx, siteId, id);
    if (!grant) continue;
    found.set(id, grant);
    named.push(toGrant(grant.row).about.formerGrant);
  }
  return [...found.values()];
}

async function readStay(
  tx: Transaction,
  { row, property, site, clashes }: Watched,
  now: Instant,
): Promise<WatchedStay & { readonly present: MessageFacts | null }> {
  const { window } = await placeKept(tx, row, property);
  const grants = await grantsOf(tx, row);
  const evidenceOf = await gatherEvidence(tx, site, grants, now);
  const doorsOf = (grant: PublishedGrant): StayDoor[] =>
    evidenceAtDoors(grant, site, evidenceOf, now).map(({ accessPoint, opens, code, isConfirmed }) => {
      const { state } = codeStatus(opens, code);
      const heldUntil = state === "on-lock" ? code?.window?.until : undefined;
      const isShort = heldUntil !== undefined && heldUntil < grant.row.validUntil;
      return { accessPoint, state, isConfirmed, ...(isShort && { opensUntil: heldUntil }) };
    });
  const endOf = ({ row: { revokedAt, validUntil } }: PublishedGrant) => Math.min(revokedAt ?? validUntil, validUntil);
  const present = grants.find((grant) => grant.row.id === row.grantId);
  const toOver = (grant: PublishedGrant): OverCode => ({
    endedAt: endOf(grant),
    stillAt: doorsOf(grant).flatMap(({ accessPoint, state }) => (holdsOn.includes(state) ? [accessPoint] : [])),
  });
  const endedAccounts = (grant: PublishedGrant): OverCode => ({
    endedAt: Math.min(accountEndedAt(toGrant(grant.row)) ?? grant.row.createdAt, endOf(grant)),
    stillAt: revokedAccountsAtDoors(grant, evidenceOf, now)
      .filter(({ opens, code }) => holdsOn.includes(codeStatus(opens, code).state))
      .map(({ accessPoint }) => accessPoint),
  });
  const live = present && endOf(present) > now ? present : undefined;
  return {
    present: live ? messageFactsOf(toGrant(live.row), window.from) : null,
    isConfirmed: row.status === "confirmed",
    window,
    codeDueAt: row.grantId === null && row.problem === null ? row.lookAt : null,
    wantedSince: Math.max(row.changedAt, window.from - property.rules.aheadHours * hourMs),
    doors: live ? doorsOf(live) : [],
    over: [...grants.filter((grant) => endOf(grant) <= now).map(toOver), ...grants.map(endedAccounts)],
    clashes: clashes.filter((one) => isBefore(one, row)).map(({ id }) => id),
  };
}
