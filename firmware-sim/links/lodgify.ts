/**
 * A holiday rental's account at Lodgify, on loopback and without TLS: its properties and bookings, as the API v2 tells them, and messages to
 * guests, as its API v1 takes them. A booking turns
 * from upcoming to current at check-in by the flat's own clock; unless asked, the list holds the upcoming ones alone.
 */
import type { Clock } from "../../gateway/ports/clock.ts";
import { Faults } from "../faults.ts";
import {
  type CloudAnswer,
  type CloudCall,
  CloudPort,
  type CloudRequest,
  type CloudTrouble,
  type CloudTroubleScope,
} from "./cloud-port.ts";

import { LodgifyHooks } from "./lodgify-hooks.ts";

export interface LodgifyProperty {
  readonly id: number;
  readonly name: string;
  /** IANA; Lodgify tells nobody. */
  readonly zone: string;
  readonly rooms: readonly { readonly id: number; readonly name: string }[];
}

/** As the API writes it, what nobody here reads left out. */
export interface LodgifyBooking {
  readonly id: number;
  readonly property_id: number;
  /** "2031-03-04". */
  readonly arrival: string;
  readonly departure: string;
  readonly check_in: { readonly time: string | null } | null;
  readonly check_out: { readonly time: string | null } | null;
  readonly status: string;
  readonly canceled_at: string | null;
  readonly is_deleted: boolean;
  readonly guest: { readonly name: string | null; readonly email: string | null; readonly phone: string | null } | null;
  readonly rooms: readonly { readonly room_type_id: number; readonly key_code: string | null }[] | null;
  readonly source: string;
  readonly language: string | null;
  readonly thread_uid?: string | null;
}

/** What an owner has written to a guest. */
export interface LodgifyMessage {
  readonly booking: number;
  readonly subject: string;
  readonly message: string;
  readonly message_id: string;
}

export interface LodgifyServerOptions {
  readonly key: string;
  readonly properties: readonly LodgifyProperty[];
  readonly clock: Clock;
  readonly faults?: Faults;
  /** Those it has from before. */
  readonly bookings?: readonly LodgifyBooking[];
}

const usualTimes = { in: "15:00:00", out: "11:00:00" };
const pageSizeUsual = 50;

export class LodgifyServer {
  readonly #options: LodgifyServerOptions;
  readonly #port: CloudPort;
  readonly #bookings = new Map<number, LodgifyBooking>();
  /** Those that went out, the oldest first. */
  readonly messages: LodgifyMessage[] = [];
  /** Word of what changes, to whoever subscribed. */
  readonly hooks: LodgifyHooks;
  #lastId = 7_000_000;
  #key: string;

  constructor(options: LodgifyServerOptions) {
    const { clock, faults = new Faults() } = options;
    this.#options = options;
    this.#key = options.key;
    for (const booking of options.bookings ?? []) {
      this.#bookings.set(booking.id, booking);
      this.#lastId = Math.max(this.#lastId, booking.id);
    }
    this.hooks = new LodgifyHooks(clock);
    this.#port = new CloudPort({ clock, faults, answer: (request) => this.#answer(request) });
  }

  get calls(): readonly CloudCall[] {
    return this.#port.calls;
  }

  /** Keeps its port over stop(). */
  start(): Promise<{ url: string }> {
    return this.#port.start();
  }

  stop(): Promise<void> {
    this.hooks.courier.stop();
    return this.#port.stop();
  }

  trouble(what: CloudTrouble, scope?: CloudTroubleScope): void {
    this.#port.trouble(what, scope);
  }

  settle(): void {
    this.#port.settle();
  }

  /** The owner has made another key; the one before is good for nothing. */
  changeKey(key: string): void {
    this.#key = key;
  }

  /** Somebody books, or the owner writes it down. Answers its id. */
  book(facts: Pick<LodgifyBooking, "property_id" | "arrival" | "departure"> & Partial<LodgifyBooking>): number {
    this.#lastId += 1;
    const rooms = this.#property(facts.property_id)?.rooms.slice(0, 1) ?? [];
    const booking: LodgifyBooking = {
      id: this.#lastId,
      check_in: { time: null },
      check_out: { time: null },
      status: "Booked",
      canceled_at: null,
      is_deleted: false,
      guest: { name: "Gil Guest", email: null, phone: null },
      rooms: rooms.map(({ id }) => ({ room_type_id: id, key_code: null })),
      source: "AirbnbIntegration",
      language: "en",
      thread_uid: `00000000-0000-4000-8000-${`${this.#lastId}`.padStart(12, "0")}`,
      ...facts,
    };
    this.#bookings.set(booking.id, booking);
    this.#tell(booking.id, booking.status === "Booked" ? "booking_new_status_booked" : "booking_new_any_status");
    return booking.id;
  }

  change(id: number, facts: Partial<LodgifyBooking>): void {
    const before = this.#bookings.get(id);
    if (!before) return;
    this.#bookings.set(id, { ...before, ...facts });
    const isOther = facts.status !== undefined && facts.status !== before.status;
    this.#tell(id, isOther ? `booking_status_change_${facts.status?.toLowerCase()}` : "booking_change");
  }

  cancel(id: number): void {
    this.change(id, {
      status: "Declined",
      canceled_at: Temporal.Instant.fromEpochMilliseconds(this.#now()).toString(),
    });
  }

  /** As if it had never been. */
  forget(id: number): void {
    this.#bookings.delete(id);
  }

  /** As its list tells them, the last of them again and again until so many are there. */
  page(filter: string, size: number): readonly LodgifyBooking[] {
    const found = [...this.#bookings.values()].filter((one) => this.#fits(one, filter));
    return Array.from({ length: size }, (_, index) => found[Math.min(index, found.length - 1)]!);
  }

  #tell(id: number, event: string): void {
    const booking = this.#bookings.get(id);
    const place = this.#property(booking?.property_id ?? 0);
    if (booking) this.hooks.tell(event, { ...booking, property_name: place?.name ?? null });
  }

  #now(): number {
    return this.#options.clock.wall();
  }

  #property(id: number): LodgifyProperty | undefined {
    return this.#options.properties.find((one) => one.id === id);
  }

  #answer({ method, path, query, headers, body }: CloudRequest): CloudAnswer {
    if (headers["x-apikey"] !== this.#key) return problem(401, "NotAuthorized", "Invalid API key");
    if (method === "POST" && path[0] === "v1") return this.#write(path, body);
    const [version, ...rest] = path;
    if (version === "webhooks" && rest[0] === "v1") return this.hooks.answer(method, rest[1] ?? "", body);
    if (method === "PUT" && rest[1] === "bookings" && rest[3] === "keyCodes")
      return this.#writeCodes(Number(rest[2]), body);
    if (method !== "GET") return problem(404, "NotFound", "No such route");
    if (version !== "v2") return problem(404, "NotFound", "No such route");
    if (rest[0] === "properties" && rest.length === 1) return this.#listProperties();
    if (rest[0] === "messaging" && rest.length === 2) return this.#thread(rest[1] ?? "");
    if (rest[0] !== "reservations" || rest[1] !== "bookings") return problem(404, "NotFound", "No such route");
    if (rest.length === 2) return this.#list(query);
    const one = this.#bookings.get(Number(rest[2]));
    return one ? { status: 200, json: one } : problem(404, "NotFound", "Booking not found");
  }

  #list(query: URLSearchParams): CloudAnswer {
    const size = Number(query.get("size") ?? pageSizeUsual);
    const page = Number(query.get("page") ?? 1);
    if (!(size >= 1 && page >= 1)) return problem(400, "ValidationError", "page and size begin at 1");
    const filter = query.get("stayFilter") ?? "Upcoming";
    const isTrash = query.get("trash") ?? "False";
    const found = [...this.#bookings.values()].filter(
      (one) => (isTrash === "All" || one.is_deleted === (isTrash === "True")) && this.#fits(one, filter),
    );
    const items = found.slice((page - 1) * size, page * size);
    const count = query.get("includeCount") === "true" ? found.length : null;
    return { status: 200, json: { count, items } };
  }

  /** Of rooms that the booking has; nobody gets word of it. */
  #writeCodes(id: number, body: string): CloudAnswer {
    const asked: { readonly rooms: readonly { readonly room_type_id: number; readonly key_code: string }[] } =
      JSON.parse(body);
    const booking = this.#bookings.get(id);
    const codes = new Map(asked.rooms.map((room) => [room.room_type_id, room.key_code]));
    const own = booking?.rooms ?? [];
    if (!booking || [...codes.keys()].some((room) => own.every((one) => one.room_type_id !== room)))
      return problem(404, "NotFound", "Booking or room not found");
    const rooms = own.map((room) => ({ ...room, key_code: codes.get(room.room_type_id) ?? room.key_code }));
    this.#bookings.set(id, { ...booking, rooms });
    return { status: 200, json: { rooms: rooms.map(({ room_type_id, key_code }) => ({ room_type_id, key_code })) } };
  }

  /** In the order in which they were made. */
  get bookings(): readonly LodgifyBooking[] {
    return [...this.#bookings.values()];
  }

  /** As it stands there. */
  booking(id: number): LodgifyBooking | undefined {
    return this.#bookings.get(id);
  }

  #fits({ property_id, arrival, departure, check_in, check_out }: LodgifyBooking, filter: string): boolean {
    const zone = this.#property(property_id)?.zone ?? "UTC";
    const at = (day: string, time: string) =>
      Temporal.PlainDate.from(day).toPlainDateTime(Temporal.PlainTime.from(time)).toZonedDateTime(zone)
        .epochMilliseconds;
    const now = this.#now();
    const begins = at(arrival, check_in?.time ?? usualTimes.in);
    const ends = at(departure, check_out?.time ?? usualTimes.out);
    if (filter === "Upcoming") return now < begins;
    if (filter === "Current") return begins <= now && now < ends;
    return filter === "Historic" ? ends <= now : filter === "All";
  }

  /** Answers 200 whatever it makes of it. */
  #write(path: readonly string[], body: string): CloudAnswer {
    const [, reservation, kind, id, messages] = path;
    if (reservation !== "reservation" || kind !== "booking" || messages !== "messages")
      return problem(404, "NotFound", "No such route");
    const refused = (why: string): CloudAnswer => {
      return { status: 200, json: { success: false, type: "domain_exception", statusCode: "400", message: why } };
    };
    const booking = this.#bookings.get(Number(id));
    if (!booking) return refused("Booking not found");
    const all = JSON.parse(body) as (LodgifyMessage & {
      readonly type: string;
      readonly send_notification?: boolean;
    })[];
    for (const { subject, message, message_id, type, send_notification } of all) {
      if (this.messages.some((one) => one.message_id === message_id)) return refused("Message id was used");
      if (type === "Owner" && send_notification)
        this.messages.push({ booking: booking.id, subject, message, message_id });
    }
    return { status: 200, json: null };
  }

  #thread(uid: string): CloudAnswer {
    const booking = [...this.#bookings.values()].find(({ thread_uid }) => thread_uid === uid);
    const ofBooking = this.messages.filter((one) => one.booking === booking?.id);
    const messages = ofBooking.map(({ message_id }) => ({ message_id, message_status: "Sent", route: "Airbnb" }));
    return { status: 200, json: [{ is_closed: false, messages }] };
  }

  #listProperties(): CloudAnswer {
    const items = this.#options.properties.map(({ id, name, rooms }) => ({ id, name, is_active: true, rooms }));
    return { status: 200, json: { count: null, items } };
  }
}

function problem(status: number, code: string, message: string): CloudAnswer {
  return { status, json: { code, message, correlation_id: "00000000-0000-0000-0000-000000000000", event_id: null } };
}
