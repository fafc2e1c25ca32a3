/** Writes a stay's code where its booking comes from, once every door has confirmed it. Nothing waits for that, and the doors go by what is here. */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { digitsOf } from "./own-grants.ts";
import { openSource } from "./read-source.ts";
import { SourceError } from "./sources/booking-source.ts";
import { isSpare } from "./spare-codes.ts";
import { findSource, type SourceRow } from "./store/booking-sources.ts";
import { type BookingRow, keyCodesWake, lockBooking, takeKeyCode, watchNow, writeBooking } from "./store/bookings.ts";
import { readGrant, toGrant } from "./store/grants.ts";
import type { Transaction } from "./store/store.ts";
import { withinDeadline } from "./within-deadline.ts";

const writeWithinMs: Millis = 2 * 60_000;
const leaseMs: Millis = 2 * writeWithinMs;
const againMs: Millis = 15 * 60_000;
const lookAgainMs: Millis = 5 * 60_000;

/** What to write to its row, and when to look whether every door has its code, unless they do; null: nobody wants to know. */
export async function planKeyCode(
  tx: Transaction,
  row: BookingRow,
  { isReady, begins }: { readonly isReady: boolean; readonly begins: Instant },
  now: Instant,
): Promise<{ readonly change: Partial<BookingRow>; readonly lookAt: Instant | null }> {
  const isNew = row.grantId !== null && row.grantId !== row.keyCodeGrant && row.keyCodeAt === null;
  const source = isNew && now < row.endsAt ? await findSource(tx, row.source) : undefined;
  if (!source || !wantsKeyCodes(source)) return { change: {}, lookAt: null };
  if (!isReady) return { change: {}, lookAt: now + lookAgainMs };
  const grant = row.grantId === null ? undefined : await readGrant(tx, row.siteId, row.grantId);
  // At a lock without windows it would open before the stay begins, and whoever reads it there tells the guest.
  if (grant && now < begins && isSpare(toGrant(grant.row))) return { change: {}, lookAt: begins };
  tx.touch(keyCodesWake);
  return { change: { keyCodeAt: now }, lookAt: null };
}

function wantsKeyCodes({ closedAt, options }: SourceRow): boolean {
  return closedAt === null && JSON.parse(options).keyCodes === true;
}

/** The one that has waited for longest; false: none is due. */
export async function writeDueKeyCode(parts: CloudParts): Promise<boolean> {
  const { store, clock, logger } = parts;
  const row = await store.transaction((tx) => takeKeyCode(tx, clock.wall(), clock.wall() + leaseMs));
  if (!row) return false;
  const facts = { site: row.siteId, booking: row.id };
  const next = await write(parts, row).catch((error: Error): Partial<BookingRow> => {
    const isKnown = error instanceof SourceError;
    if (isKnown) logger.warn("key-code-not-written", { ...facts, why: error.message });
    else if (!parts.stopping.aborted) logger.error("key-code-not-written", { ...facts, error });
    const isLost = isKnown && !error.retry;
    return { keyCodeAt: isLost || row.endsAt <= clock.wall() ? null : clock.wall() + againMs };
  });
  await store.transaction(async (tx) => {
    const again = await lockBooking(tx, row.siteId, row.id);
    if (again?.grantId === row.grantId) await writeBooking(tx, again, next);
    else if (again) {
      // It has another code by now.
      await writeBooking(tx, again, { keyCodeAt: null });
      await watchNow(tx, row.siteId, [row.id], clock.wall());
    }
  });
  return true;
}

/** Rejects with a SourceError. */
async function write(parts: CloudParts, row: BookingRow): Promise<Partial<BookingRow>> {
  const { store, siteKeys, clock, logger } = parts;
  const nothing = { keyCodeAt: null };
  const source = await findSource(store.db, row.source);
  const grant = row.grantId === null ? undefined : await readGrant(store.db, row.siteId, row.grantId);
  if (!source || !wantsKeyCodes(source) || !grant || grant.row.revokedAt !== null || row.endsAt <= clock.wall())
    return nothing;
  const digits = digitsOf(grant.row, await siteKeys.seal(store.db, row.siteId));
  const opened = await openSource(parts, source);
  if (!digits || !opened.writeCode) return nothing;
  const { writeCode } = opened;
  const isNew = await withinDeadline(parts, writeWithinMs, (signal) => writeCode(row.externalId, digits, signal));
  if (isNew) logger.info("key-code-written", { site: row.siteId, booking: row.id, source: source.id });
  return { ...nothing, keyCodeGrant: row.grantId };
}
