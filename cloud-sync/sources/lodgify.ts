/**
 * Lodgify's API v2 (reference/upstreams.md §2). Its list leaves out guests who are in the house unless asked, so both are read, page by page;
 * a booking of several rooms is one for each. Cancelled is no status there: what is declined, cancelled or in the bin is off.
 */
import { z } from "zod";
import type { BookingStatus } from "../domain/stay-planner.ts";
import { type BookingSource, type SourceBooking, SourceError, type SourcePlace } from "./booking-source.ts";
import { type LodgifyOptions, lodgifyApi, parsed } from "./lodgify-api.ts";
import { lodgifyHooks } from "./lodgify-hooks.ts";

const pageSize = 50;
/** 10,000 bookings that have not ended are more than anybody has. */
const pagesMax = 200;

const text = z.string().nullish();
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}/)
  .transform((value) => value.slice(0, 10));
const hour = z.object({ time: text }).nullish();
const number = z.number().int();

const bookingSchema = z.object({
  id: number,
  property_id: number,
  arrival: day,
  departure: day,
  check_in: hour,
  check_out: hour,
  status: z.string(),
  canceled_at: text,
  is_deleted: z.boolean().nullish(),
  guest: z.object({ name: text, email: text, phone: text }).nullish(),
  rooms: z.array(z.object({ room_type_id: number, key_code: text })).nullish(),
  language: text,
});
type LodgifyBooking = z.infer<typeof bookingSchema>;

const listSchema = z.object({ items: z.array(z.unknown()).nullable() });
const placesSchema = z.object({
  items: z
    .array(z.object({ id: number, name: text, rooms: z.array(z.object({ id: number, name: text })).nullish() }))
    .nullable(),
});

export function lodgify(options: LodgifyOptions): BookingSource {
  const api = lodgifyApi(options);
  const ask = (path: string, signal: AbortSignal) => api({ path }, signal);

  async function pages(filter: string, signal: AbortSignal): Promise<LodgifyBooking[]> {
    const found: LodgifyBooking[] = [];
    for (let page = 1; page <= pagesMax; page += 1) {
      const answer = await ask(`/v2/reservations/bookings?page=${page}&size=${pageSize}&stayFilter=${filter}`, signal);
      const items = parsed(listSchema, answer ?? { items: null }, "its list of bookings").items ?? [];
      found.push(...items.map((item) => parsed(bookingSchema, item, "a booking")));
      if (items.length < pageSize) return found;
    }
    throw new SourceError(`Lodgify: more than ${pagesMax * pageSize} bookings`, { retry: false });
  }

  return {
    async readAll(signal) {
      // A booking turns from upcoming to current at check-in: read in this order it stands in one list at least, and the later one holds.
      const upcoming = await pages("Upcoming", signal);
      const current = await pages("Current", signal);
      const all = [...new Map([...upcoming, ...current].map((one) => [one.id, one])).values()];
      return { bookings: all.flatMap(toBookings) };
    },

    async readOne(externalId, signal) {
      const [id] = externalId.split("/");
      const answer = await ask(`/v2/reservations/bookings/${encodeURIComponent(id ?? "")}`, signal);
      return answer === undefined ? [] : toBookings(parsed(bookingSchema, answer, "a booking"));
    },

    async readPlaces(signal) {
      const answer = await ask("/v2/properties?size=50", signal);
      const items = parsed(placesSchema, answer ?? { items: null }, "its list of properties").items ?? [];
      return items.flatMap(({ id, name, rooms }): SourcePlace[] => [
        { id: `${id}`, name: name ?? `${id}` },
        ...(rooms ?? []).map((room) => ({ id: `${id}/${room.id}`, name: `${name ?? id}: ${room.name ?? room.id}` })),
      ]);
    },

    hooks: lodgifyHooks(api),

    async writeCode(externalId, digits, signal) {
      const [id = "", named] = externalId.split("/");
      const path = `/v2/reservations/bookings/${encodeURIComponent(id)}`;
      const answer = await ask(path, signal);
      if (answer === undefined) throw new SourceError("Lodgify: the booking is gone", { retry: false });
      const rooms = [...(parsed(bookingSchema, answer, "a booking").rooms ?? [])].sort(byRoom);
      const room = rooms.find((one) => (named === undefined ? true : `${one.room_type_id}` === named));
      if (!room) throw new SourceError("Lodgify: the booking has no such room", { retry: false });
      if (room.key_code === digits.reveal()) return false;
      const body = { rooms: [{ room_type_id: room.room_type_id, key_code: digits.reveal() }] };
      const written = await api({ method: "PUT", path: `${path}/keyCodes`, body }, signal);
      if (written === undefined) throw new SourceError("Lodgify: the booking is gone", { retry: false });
      return true;
    },
  };
}

type Room = NonNullable<LodgifyBooking["rooms"]>[number];
const byRoom = (a: Room, b: Room) => a.room_type_id - b.room_type_id;

function toBookings(one: LodgifyBooking): SourceBooking[] {
  const { id, property_id: property, arrival, departure, check_in, check_out, guest, language } = one;
  const facts = {
    group: `${id}`,
    status: statusOf(one),
    days: { arrival, departure, checkIn: hourOf(check_in?.time), checkOut: hourOf(check_out?.time) },
    guest: {
      name: guest?.name?.trim().slice(0, 200) || `Lodgify ${id}`,
      phone: guest?.phone?.trim().slice(0, 40) || null,
      email: guest?.email?.trim().slice(0, 320) || null,
      language: /^[a-z]{2}/.exec(language ?? "")?.[0] ?? null,
    },
  };
  // The first keeps the booking's own number, so that a guest who is given another room keeps the code.
  const rooms = [...new Set((one.rooms ?? []).map(({ room_type_id: room }) => room))].sort((a, b) => a - b);
  if (rooms.length === 0) return [{ ...facts, externalId: `${id}`, places: [`${property}`] }];
  return rooms.map((room, number) => ({
    ...facts,
    externalId: number === 0 ? `${id}` : `${id}/${room}`,
    places: [`${property}/${room}`, `${property}`],
  }));
}

function statusOf({ status, canceled_at, is_deleted }: LodgifyBooking): BookingStatus | undefined {
  if ((canceled_at ?? "") !== "" || is_deleted || status === "Declined") return "cancelled";
  if (status === "Booked") return "confirmed";
  return status === "Tentative" || status === "Open" ? "tentative" : undefined;
}

/** "15:00:00" → "15:00". */
function hourOf(time: string | null | undefined): string | null {
  return /^([01]\d|2[0-3]):[0-5]\d/.exec(time ?? "")?.[0] ?? null;
}
