/** A program that sends its bookings by itself: what it is asked for is what it has sent last. Nothing follows from what it has not sent. */
import type { BookingSource, SourceBooking } from "./booking-source.ts";

export interface SentBookings {
  all(): Promise<readonly SourceBooking[]>;
  one(externalId: string): Promise<SourceBooking | undefined>;
}

export function webhook(sent: SentBookings): BookingSource {
  return {
    async readAll() {
      return { bookings: await sent.all(), isPartial: true };
    },
    async readOne(externalId) {
      const found = await sent.one(externalId);
      return found ? [found] : [];
    },
    async readPlaces() {
      const names = (await sent.all()).flatMap(({ places }) => places);
      return [...new Set(names)].sort().map((id) => ({ id, name: id }));
    },
  };
}
