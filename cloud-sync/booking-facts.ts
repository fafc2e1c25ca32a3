/** A booking's row in other words: its guest, and what of it the audit trail compares. */
import type { Facts } from "./domain/audit-body.ts";
import type { BookingState, Guest, KnownBooking } from "./domain/reconcile-bookings.ts";
import type { StayDays } from "./domain/stay-planner.ts";
import type { BookingRow } from "./store/bookings.ts";

export function guestOf({ guestName, guestPhone, guestEmail, guestLanguage }: BookingRow): Guest {
  return { name: guestName, phone: guestPhone, email: guestEmail, language: guestLanguage };
}

export function guestColumns({ name, phone, email, language }: Guest) {
  return { guestName: name, guestPhone: phone, guestEmail: email, guestLanguage: language };
}

/** undefined: it is from a moment to a moment. */
export function daysOf({ arrival, departure, checkIn, checkOut }: BookingRow): StayDays | undefined {
  return arrival === null || departure === null ? undefined : { arrival, departure, checkIn, checkOut };
}

export function bookingFacts(row: BookingRow): Facts {
  const moment = (instant: number) => Temporal.Instant.fromEpochMilliseconds(instant).toString();
  return {
    property: row.propertyId,
    status: row.status,
    grant: row.grantId,
    days: daysOf(row) ?? null,
    begins: moment(row.beginsAt),
    ends: moment(row.endsAt),
    extraMinutes: row.extraMinutes,
    ...guestOf(row),
  };
}

/** Empty: it is from a moment to a moment, as no source tells of it. */
export function toKnown(row: BookingRow): KnownBooking[] {
  const { id, externalId, status, propertyId: property, arrival, departure, checkIn, checkOut } = row;
  if (arrival === null || departure === null) return [];
  const state = (text: string | null) => (text === null ? null : (JSON.parse(text) as BookingState));
  return [
    {
      id,
      externalId,
      status,
      property,
      days: { arrival, departure, checkIn, checkOut },
      guest: guestOf(row),
      moments: { from: row.beginsAt, until: row.endsAt },
      held: state(row.held),
      refused: state(row.refused),
    },
  ];
}
