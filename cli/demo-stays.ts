/** The demo's holiday flats: a simulated Lodgify account with guests who arrive today, connected to the demo's cloud. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type LodgifyBooking, LodgifyServer } from "../firmware-sim/links/lodgify.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import { isAbsent, writeFileAtomically } from "../gateway/storage/atomic-file.ts";
import { nodeDisk } from "../gateway/storage/node-disk.ts";
import { CommandError } from "./command.ts";
import type { AdminApi } from "./demo-cloud.ts";

/** `id`: at Lodgify. */
export const flats = [
  { id: 812, name: "Harbour flat", doors: ["box-1", "front-door", "side-door", "cellar"] },
  { id: 813, name: "Garden flat", doors: ["box-2", "front-door", "shed", "studio"] },
  { id: 814, name: "Loft", doors: ["box-2", "front-door"] },
] as const;

/** Those who book later take their turn from here too. */
export const guests = [
  { name: "Greta Gast", phone: "+34600555101" },
  { name: "Hugo Huésped", phone: "+34600555102" },
  { name: "Ines Invitada", phone: "+34600555103" },
  { name: "Otto Ospite", phone: "+34600555104" },
  { name: "Vera Vendég", phone: "+34600555105" },
] as const;

const bookingsShape = z.array(
  z.looseObject({
    id: z.number(),
    property_id: z.number(),
    arrival: z.iso.date(),
    departure: z.iso.date(),
    status: z.string(),
  }),
);

const guide = {
  address: "Harbour Lane 12",
  notes: { en: "The bins are behind the house.\nThe box at the street holds towels." },
};

/** As it was left in the folder. Where everybody has gone by now, three guests book anew. */
export async function openLodgify(folder: string, key: string, zone: string, clock: Clock): Promise<LodgifyServer> {
  const text = await readFile(pathIn(folder), "utf8").catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
    return "[]";
  });
  const bookings = readBookings(text);
  if (!bookings)
    throw new CommandError(
      `${pathIn(folder)} is damaged, so the demo cannot be taken up again: move that folder away, or give --data another one`,
    );
  const properties = flats.map(({ id, name }) => ({ id, name, zone, rooms: [] }));
  const lodgify = new LodgifyServer({ key, clock, bookings, properties });
  const now = Temporal.Instant.fromEpochMilliseconds(clock.wall()).toZonedDateTimeISO(zone);
  if (bookings.every(({ departure }) => departure <= now.toPlainDate().toString())) {
    bookFirst(lodgify, now);
    await keepBookings(folder, lodgify.bookings);
  }
  return lodgify;
}

export function keepBookings(folder: string, bookings: readonly LodgifyBooking[]): Promise<void> {
  return writeFileAtomically(nodeDisk, pathIn(folder), [Buffer.from(`${JSON.stringify(bookings, undefined, 2)}\n`)]);
}

/** Properties with their doors, guests told by text message, and the account read from now on. Answers the source's id. */
export async function connectLodgify(api: AdminApi, site: string, key: string): Promise<string> {
  const known = await api.list(`/api/properties?site=${site}`);
  const places: Record<string, string> = {};
  for (const { id, name, doors } of flats) {
    const there = known.find((one) => one.name === name);
    // So early that the code of whoever arrives in a moment can be tried at once.
    const wanted = { site, name, accessPoints: doors, rules: { earlyMinutes: 15 }, guide };
    const property = String((there ?? (await api.post("/api/properties", wanted))).id);
    // Nobody is there to be woken.
    const told = { on: true, country: "ES", channels: ["sms"], quietFrom: "00:00", quietUntil: "00:00" };
    await api.patch(`/api/properties/${property}/messages`, told);
    places[`${id}`] = property;
  }
  const source = (await api.list(`/api/booking-sources?site=${site}`)).find(({ kind }) => kind === "lodgify");
  const wanted = { site, kind: "lodgify", name: "Lodgify", key, places };
  return String((source ?? (await api.post("/api/booking-sources", wanted))).id);
}

/** One comes in a moment, one in some hours, one tomorrow. */
function bookFirst(lodgify: LodgifyServer, now: Temporal.ZonedDateTime): void {
  const begins = [now.add({ minutes: 3 }), now.add({ hours: 4 }), now.add({ days: 1 }).with({ hour: 15, minute: 0 })];
  for (const [index, moment] of begins.entries()) {
    const day = moment.toPlainDate();
    lodgify.book({
      property_id: flats[index]!.id,
      arrival: day.toString(),
      departure: day.add({ days: index + 1 }).toString(),
      check_in: { time: `${moment.toPlainTime().toString({ smallestUnit: "minute" })}:00` },
      guest: { ...guests[index]!, email: null },
    });
  }
}

/** undefined: they are none. */
function readBookings(text: string): readonly LodgifyBooking[] | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return bookingsShape.safeParse(read).success ? (read as readonly LodgifyBooking[]) : undefined;
  } catch {
    return undefined;
  }
}

function pathIn(folder: string): string {
  return join(folder, "lodgify.json");
}
