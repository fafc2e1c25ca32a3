/** Writes down what a source's reading has led to, step by step, each with its entry in the audit trail. */
import type { Validity } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import { bookingFacts, guestColumns } from "./booking-facts.ts";
import type { BookingName } from "./domain/recognise-bookings.ts";
import type { BookingState, BookingStep, ToldBooking } from "./domain/reconcile-bookings.ts";
import { newId } from "./ids.ts";
import { bookingKindOf } from "./sources/source-kinds.ts";
import { recordAudit } from "./store/audit-trail.ts";
import type { SourceRow } from "./store/booking-sources.ts";
import { type BookingRow, insertBooking, lockBySource, lookBeside, writeBooking } from "./store/bookings.ts";
import type { Transaction } from "./store/store.ts";

export interface Taking {
  readonly row: SourceRow;
  readonly open: readonly BookingRow[];
  /** By external id, what of each was told besides. */
  readonly names: ReadonlyMap<string, BookingName & { readonly mayBeBlock?: boolean | undefined }>;
  readonly now: Instant;
}

export async function writeStep(tx: Transaction, step: BookingStep, { row, open, names, now }: Taking): Promise<void> {
  const by = { site: row.siteId, actor: row.id, from: { address: "service", device: row.kind } } as const;
  if (step.do === "add") return add(tx, step.told, { row, names, now });
  const before = open.find(({ id }) => id === step.id);
  if (!before) return;
  const settled = { held: null, heldWhy: null, heldAt: null, refused: null };
  switch (step.do) {
    case "release":
      await writeBooking(tx, before, settled);
      return;
    case "hold":
      await writeBooking(tx, before, { held: JSON.stringify(stateOf(step.to)), heldWhy: step.why, heldAt: now });
      return;
    case "change": {
      const after = await writeBooking(tx, before, { ...columnsOf(step.to), ...settled, changedAt: now, lookAt: now });
      for (const one of [before, after]) await lookBeside(tx, one, now);
      const facts = { before: bookingFacts(before), after: bookingFacts(after) };
      await recordAudit(tx, { ...by, action: "bookings.change", thing: before.id, ...facts }, now);
    }
  }
}

/** What the source calls it, unless that is another stay's by now: calendars give a UID away again. */
async function add(tx: Transaction, told: ToldBooking, { row, names, now }: Omit<Taking, "open">): Promise<void> {
  const by = { site: row.siteId, actor: row.id, from: { address: "service", device: row.kind } } as const;
  const { code = null, uid = null, mayBeBlock = false } = names.get(told.externalId) ?? {};
  const facts = { ...columnsOf(told), sourceCode: code, sourceUid: uid, mayBeBlock, changedAt: now, lookAt: now };
  const kind = bookingKindOf(row);
  const fresh = { siteId: row.siteId, kind, source: row.id, createdBy: row.createdBy, createdAt: now };
  for (const externalId of [told.externalId, `${told.externalId}/${told.days.arrival}`]) {
    const added = await insertBooking(tx, { ...fresh, id: newId("booking"), externalId, ...facts });
    if (added) {
      await lookBeside(tx, added, now);
      const entry = { ...by, action: "bookings.create", thing: added.id, after: bookingFacts(added) };
      await recordAudit(tx, entry, now);
      return;
    }
    const known = await lockBySource(tx, row.siteId, row.id, externalId);
    const isTheirs = uid === null || (known && known.endsAt <= now && known.guestName === told.guest.name);
    if (!known || !isTheirs) continue;
    // One that ended and is told again, by other days.
    const after = await writeBooking(tx, known, facts);
    await lookBeside(tx, after, now);
    const entry = { ...by, action: "bookings.change", thing: after.id };
    await recordAudit(tx, { ...entry, before: bookingFacts(known), after: bookingFacts(after) }, now);
    return;
  }
}

function stateOf({ status, property, days, guest }: BookingState): BookingState {
  return { status, property, days, guest };
}

/** `moments`: of its days, by the property's rules. */
export function columnsOf({ status, property, days, guest, moments }: BookingState & { readonly moments: Validity }) {
  const when = { ...days, beginsAt: moments.from, endsAt: moments.until };
  return { status, propertyId: property, ...when, ...guestColumns(guest) };
}
