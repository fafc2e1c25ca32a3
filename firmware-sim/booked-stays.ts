/**
 * Guests of a simulated Lodgify account, and the telephones they are told on: what is booked there, and what the cloud has made of it. Bookings
 * are changed there alone; the cloud hears of it when it reads.
 */
import { z } from "zod";
import type { Clock } from "../gateway/ports/clock.ts";
import { HttpProblem } from "../web/problem.ts";
import { answerText } from "./answer-text.ts";
import type { LodgifyBooking, LodgifyServer } from "./links/lodgify.ts";
import type { TwilioServer } from "./links/twilio.ts";
import type { CloudAccess } from "./remote-unlocks.ts";
import type { Landmark } from "./time-machine.ts";

export interface BookedFlat {
  /** At Lodgify. */
  readonly id: number;
  readonly name: string;
}

export interface BookedGuest {
  readonly name: string;
  /** E.164. */
  readonly phone: string;
}

export interface BookedStaysOptions {
  readonly lodgify: LodgifyServer;
  readonly twilio: TwilioServer;
  readonly cloud: CloudAccess;
  /** The account's id as a source of bookings. */
  readonly source: string;
  readonly flats: readonly BookedFlat[];
  /** Whoever books next, in turn. */
  readonly guests: readonly BookedGuest[];
  /** IANA, of the site. */
  readonly zone: string;
  readonly clock: Clock;
  /** Called with all of them when one has changed. */
  readonly keep: (bookings: readonly LodgifyBooking[]) => Promise<void>;
}

export interface StayView {
  /** Its number at Lodgify. */
  readonly id: number;
  readonly guest: string;
  readonly flat: string;
  readonly isCancelled: boolean;
  /** Calendar day and hour there: "2031-03-04", "15:00"; null: the flat's usual hour. */
  readonly arrival: string;
  readonly checkIn: string | null;
  readonly departure: string;
  /** What the cloud knows of it; null: it has not read it yet. */
  readonly known: {
    /** It has read what stands at Lodgify now, or asks its owner about it. */
    readonly isRead: boolean;
    /** Why a change waits for the owner's word; null: none does. */
    readonly held: string | null;
    readonly doors: number;
    /** So many of them have the code for certain. */
    readonly doorsReady: number;
    readonly hasCode: boolean;
    /** Its code's time is over. */
    readonly isOver: boolean;
    /** The guest's; null: the cloud has not told it yet. */
    readonly page: string | null;
  } | null;
}

export interface StaysView {
  /** By arrival. */
  readonly stays: readonly StayView[];
  /** Newest first, at most 10. */
  readonly messages: readonly { readonly to: string; readonly at: number; readonly text: string }[];
  /** What came of the last reading, in words; null: there was none that anybody asked for. */
  readonly read: string | null;
}

const askMs = 5_000;
const lookEveryMs = 3_000;
const readMs = 30_000;
const messagesShown = 10;
const soonMinutes = 2;
const bookingsMax = 200;

const bookingShape = z.object({
  id: z.string(),
  source: z.string(),
  externalId: z.string(),
  status: z.string(),
  arrival: z.string().nullable(),
  departure: z.string().nullable(),
  begins: z.string().transform(toInstant),
  held: z.object({ why: z.string(), status: z.string(), arrival: z.string(), departure: z.string() }).nullable(),
  code: z.object({
    grant: z.string().nullable(),
    until: z.string().transform(toInstant),
    doors: z.array(z.object({ state: z.string() })),
  }),
});
type KnownBooking = z.infer<typeof bookingShape>;
const listShape = z.object({ items: z.array(bookingShape) });
const linkShape = z.object({ url: z.url({ protocol: /^https?$/ }) });
const readShape = z.object({
  result: z
    .union([z.object({ added: z.number(), changed: z.number(), held: z.number() }), z.object({ failed: z.string() })])
    .nullable(),
});

export class BookedStays {
  readonly #options: BookedStaysOptions;
  #known: readonly KnownBooking[] = [];
  /** By booking, in this run of the cloud. */
  readonly #pages = new Map<string, string>();
  #read: string | null = null;
  #lookAt = 0;

  constructor(options: BookedStaysOptions) {
    this.#options = options;
  }

  view(): StaysView {
    const { lodgify, twilio } = this.#options;
    const today = this.#now().toPlainDate().toString();
    const current = lodgify.bookings.filter(({ departure }) => departure >= today);
    const byArrival = current.toSorted((a, b) => (beginOf(a) < beginOf(b) ? -1 : 1));
    const messages = twilio.messages.slice(-messagesShown).toReversed();
    return {
      stays: byArrival.map((one) => this.#stayView(one)),
      messages: messages.map(({ to, sentAt, body }) => ({ to: this.#nameOf(to), at: sentAt, text: body ?? "" })),
      read: this.#read,
    };
  }

  /** Who comes and who leaves, as the cloud knows it; soonest first. */
  landmarks(): { readonly checkIns: readonly Landmark[]; readonly checkouts: readonly Landmark[] } {
    const now = this.#options.clock.wall();
    const staying = this.#known.filter(({ status }) => status === "confirmed");
    const toCome = (momentOf: (booking: KnownBooking) => number) =>
      staying
        .map((one) => ({ guest: this.#guestOf(one), at: momentOf(one) }))
        .filter(({ at }) => at > now)
        .toSorted((a, b) => a.at - b.at);
    return { checkIns: toCome(({ begins }) => begins), checkouts: toCome(({ code }) => code.until) };
  }

  /** Whether the cloud waits for no code that should be on its way into a lock or out of it. */
  async areCodesSettled(signal: AbortSignal): Promise<boolean> {
    await this.look(signal);
    return this.#known.every(({ code }) => code.doors.every(({ state }) => !underWay.has(state)));
  }

  /** As look(), every few seconds however often it is called. */
  async lookNowAndThen(signal: AbortSignal): Promise<void> {
    if (this.#options.clock.monotonic() >= this.#lookAt) await this.look(signal);
  }

  /** What the cloud knows now; of a cloud that is away, what it knew last. */
  async look(signal: AbortSignal): Promise<void> {
    const { cloud, clock } = this.#options;
    const { site } = cloud;
    this.#lookAt = clock.monotonic() + lookEveryMs;
    const from = this.#now().startOfDay().toInstant().toString();
    const list = await this.#ask(`/api/bookings?site=${encodeURIComponent(site)}&from=${from}`, listShape, signal);
    if (typeof list === "number") return;
    this.#known = list.items.filter(({ source }) => source === this.#options.source);
    for (const { id } of this.#known) {
      if (this.#pages.has(id)) continue;
      const link = await this.#ask(`/api/bookings/${id}/link`, linkShape, signal, { body: {} });
      if (typeof link !== "number") this.#pages.set(id, link.url);
    }
  }

  /** Somebody books a flat from now to tomorrow. Rejects with an HttpProblem when none is free. */
  async book(): Promise<void> {
    const { lodgify, flats, guests } = this.#options;
    if (lodgify.bookings.length >= bookingsMax)
      throw new HttpProblem(409, "too-many", `At most ${bookingsMax} bookings: begin the demo anew.`);
    const now = this.#now().add({ minutes: soonMinutes });
    const day = now.toPlainDate();
    const nights = { arrival: day.toString(), departure: day.add({ days: 1 }).toString() };
    const taken = lodgify.bookings.filter((one) => !isOff(one));
    const free = flats.find(({ id }) =>
      taken.every((one) => one.property_id !== id || one.departure < nights.arrival || one.arrival >= nights.departure),
    );
    if (!free) throw new HttpProblem(409, "no-flat-free", "Every flat is taken tonight: cancel a stay first.");
    const guest = { ...guests[lodgify.bookings.length % guests.length]!, email: null };
    const time = now.toPlainTime().toString({ smallestUnit: "minute" });
    lodgify.book({ property_id: free.id, ...nights, check_in: { time: `${time}:00` }, guest });
    await this.#keep();
  }

  /** One night more. */
  async extend(id: number): Promise<void> {
    const { departure } = this.#bookingOf(id);
    const later = Temporal.PlainDate.from(departure).add({ days: 1 }).toString();
    this.#options.lodgify.change(id, { departure: later });
    await this.#keep();
  }

  async cancel(id: number): Promise<void> {
    this.#options.lodgify.cancel(this.#bookingOf(id).id);
    await this.#keep();
  }

  /** The cloud reads the account now rather than when it is time. Rejects with an HttpProblem when it does not. */
  async read(signal: AbortSignal): Promise<void> {
    const path = `/api/booking-sources/${this.#options.source}/run`;
    const answer = await this.#ask(path, readShape, signal, { body: {}, withinMs: readMs });
    if (typeof answer === "number") throw notTaken(answer);
    const { result } = answer;
    if (result && "failed" in result) throw new HttpProblem(409, "not-read", result.failed);
    this.#read = result && wordsOf(result);
  }

  /** The owner's yes to what waits for it. Rejects with an HttpProblem when nothing does. */
  async agree(id: number, signal: AbortSignal): Promise<void> {
    const known = this.#knownOf(this.#bookingOf(id).id);
    if (!known?.held) throw new HttpProblem(409, "nothing-waits", "Nothing of this stay waits for its owner's word.");
    const body = { agree: true };
    const answer = await this.#ask(`/api/bookings/${known.id}/decide`, bookingShape, signal, { body });
    if (typeof answer === "number") throw notTaken(answer);
  }

  #stayView(booking: LodgifyBooking): StayView {
    const { id, guest, property_id, arrival, check_in, departure } = booking;
    const known = this.#knownOf(id);
    return {
      ...{ id, arrival, departure, checkIn: check_in?.time?.slice(0, 5) ?? null, isCancelled: isOff(booking) },
      guest: guest?.name ?? `${id}`,
      flat: this.#options.flats.find((flat) => flat.id === property_id)?.name ?? `${property_id}`,
      known: known
        ? {
            isRead: isAs(known, booking) || (known.held !== null && isAs(known.held, booking)),
            held: known.held?.why ?? null,
            doors: known.code.doors.length,
            doorsReady: known.code.doors.filter(({ state }) => proven.has(state)).length,
            hasCode: known.code.grant !== null && known.status === "confirmed",
            isOver: known.code.until <= this.#options.clock.wall(),
            page: this.#pages.get(known.id) ?? null,
          }
        : null,
    };
  }

  #knownOf(id: number): KnownBooking | undefined {
    return this.#known.find(({ externalId }) => externalId === `${id}`);
  }

  #guestOf({ externalId }: KnownBooking): string {
    return this.#options.lodgify.booking(Number(externalId))?.guest?.name ?? externalId;
  }

  #bookingOf(id: number): LodgifyBooking {
    const booking = this.#options.lodgify.booking(id);
    if (!booking) throw new HttpProblem(404, "no-such-stay", `There is no stay ${id} at Lodgify.`);
    return booking;
  }

  #nameOf(phone: string): string {
    const guest = this.#options.lodgify.bookings.find((one) => one.guest?.phone === phone)?.guest;
    return guest?.name ?? phone;
  }

  #keep(): Promise<void> {
    this.#read = null;
    return this.#options.keep(this.#options.lodgify.bookings);
  }

  #now(): Temporal.ZonedDateTime {
    const { clock, zone } = this.#options;
    return Temporal.Instant.fromEpochMilliseconds(clock.wall()).toZonedDateTimeISO(zone);
  }

  /** The status where it did not answer as expected; 0: it did not answer. */
  async #ask<T>(
    path: string,
    shape: z.ZodType<T>,
    signal: AbortSignal,
    { body, withinMs = askMs }: { readonly body?: object; readonly withinMs?: number } = {},
  ): Promise<T | number> {
    const { url, adminToken } = this.#options.cloud;
    try {
      const response = await fetch(url + path, {
        method: body ? "POST" : "GET",
        headers: { authorization: `Bearer ${adminToken}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(withinMs)]),
      });
      const text = await answerText(response);
      return response.ok ? shape.parse(JSON.parse(text)) : response.status;
    } catch {
      return 0;
    }
  }
}

function toInstant(text: string): number {
  return Temporal.Instant.from(text).epochMilliseconds;
}

/** States of a code at a door that nothing is missing from. */
const proven = new Set(["on-lock", "gateway-decides"]);

const underWay = new Set(["waiting-lock", "waiting-gateway", "still-on-lock"]);

const isOff = ({ status }: Pick<LodgifyBooking, "status">) => status !== "Booked";

const beginOf = ({ arrival, check_in }: LodgifyBooking) => `${arrival}T${check_in?.time ?? "15:00"}`;

function isAs(
  known: Pick<KnownBooking, "status" | "arrival" | "departure">,
  { status, arrival, departure }: LodgifyBooking,
): boolean {
  return (
    (known.status === "cancelled") === isOff({ status }) && known.arrival === arrival && known.departure === departure
  );
}

function wordsOf({ added, changed, held }: { added: number; changed: number; held: number }): string {
  const parts = [
    [added, "new"],
    [changed, "changed"],
    [held, "waiting for the owner"],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return said.length === 0 ? "Read: nothing new." : `Read: ${said.join(", ")}.`;
}

function notTaken(status: number): HttpProblem {
  return status === 0
    ? new HttpProblem(503, "cloud-away", "The cloud does not answer, so it has read nothing.")
    : new HttpProblem(409, "not-taken", `The cloud did not take it: it answered ${status}.`);
}
