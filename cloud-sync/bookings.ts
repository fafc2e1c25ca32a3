/**
 * Bookings: what a source says of a stay, and how far its code has come. A booking never opens a door: it is planned (domain/stay-planner.ts),
 * and a grant comes of it. The API and the pages both call these; who may do what is asked here.
 */
import type { Validity } from "../gateway/domain/grant.ts";
import type { Instant } from "../gateway/domain/instant.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem } from "../web/problem.ts";
import type { Asker } from "./asker.ts";
import { bookingFacts, guestColumns, guestOf } from "./booking-facts.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { type Action, type Actor, may, sitesOf } from "./domain/permissions.ts";
import type { BookingState, Guest } from "./domain/reconcile-bookings.ts";
import { type BookingKind, type BookingStatus, type StayDays, stayMoments } from "./domain/stay-planner.ts";
import { type EvidenceOf, gatherEvidence } from "./evidence.ts";
import { newId } from "./ids.ts";
import { chosenSite, revealDigits, revokeGrant, type Transact } from "./own-grants.ts";
import { provisionStay } from "./provision-stay.ts";
import { demandMay } from "./routes/asks.ts";
import { notFound } from "./routes/shapes.ts";
import { tellGuestLink } from "./stay-links.ts";
import { type PlacedStay, placeKept } from "./stay-window.ts";
import { recordAudit } from "./store/audit-trail.ts";
import {
  type BookingFilter,
  type BookingRow,
  bookedTwice,
  findBooking,
  insertBooking,
  listBookings,
  lockBooking,
  lookBeside,
  writeBooking,
} from "./store/bookings.ts";
import { lockGrant, type PublishedGrant, readGrant } from "./store/grants.ts";
import { findProperty, lockProperty, type Property } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import type { Transaction } from "./store/store.ts";
import { codeAtDoors, type TempCodeDoor } from "./temp-code.ts";
import { columnsOf } from "./write-bookings.ts";

/** Whoever asks at /api/bookings. */
const apiSource = "api";
/** Nobody books for longer. */
const stayMsMax = 400 * 24 * 3_600_000;

/** Days as a flat is let, or moments as a room of a hub is. */
export type BookedTime = { readonly days: StayDays } | { readonly moments: Validity };

export interface WantedBooking {
  /** What whoever asks calls it; left out: its id. */
  readonly externalId?: string | undefined;
  readonly kind: BookingKind;
  readonly status: BookingStatus;
  readonly guest: Guest;
  readonly time: BookedTime;
}

export interface BookingChange {
  readonly property?: string | undefined;
  readonly status?: BookingStatus | undefined;
  readonly guest?: { readonly [K in keyof Guest]?: Guest[K] | undefined } | undefined;
  /** Of the booking as it is then; undefined: as it was. */
  readonly time?: ((before: BookingRow) => BookedTime | undefined) | undefined;
}

export interface Booking
  extends Omit<
    BookingRow,
    | "siteId"
    | "propertyId"
    | "lookAt"
    | "watchAt"
    | "held"
    | "refused"
    | "missedTimes"
    | "missedSince"
    | "linkHash"
    | "linkSealed"
    | "sourceCode"
    | "sourceUid"
    | "mayBeBlock"
    | "keyCodeGrant"
    | "keyCodeAt"
  > {
  /** What its source tells and waits for the owner's word. */
  readonly held: BookingState | null;
  readonly site: string;
  /** IANA; the wall clock that people there read. */
  readonly zone: string;
  readonly property: string;
  /** When its code works, the property's early and late minutes included. */
  readonly codeFrom: Instant;
  readonly codeUntil: Instant;
  /** When its code is made; null: it has one, or gets none. */
  readonly codeDueAt: Instant | null;
  /** The property has another confirmed booking at the same time. */
  readonly isBookedTwice: boolean;
  /** Before the next stay there is less time than the property keeps for cleaning. */
  readonly isTooTight: boolean;
  /** How far its code has come at each door; empty: there is none. */
  readonly doors: readonly TempCodeDoor[];
  /** Where the code it had before still may be; empty: there was none. */
  readonly formerDoors: readonly TempCodeDoor[];
}

export type BookingQuery = Omit<BookingFilter, "sites"> & { readonly site?: string | undefined };

export interface BookingsPage {
  readonly items: readonly Booking[];
  /** Where the next page begins. */
  readonly next: BookingFilter["after"];
}

export class Bookings {
  readonly #parts: CloudParts;

  constructor(parts: CloudParts) {
    this.#parts = parts;
  }

  /** As they end; of the site, or of all that the actor may see. */
  async list(actor: Actor, { site, limit, ...filter }: BookingQuery): Promise<BookingsPage> {
    const { db } = this.#parts.store;
    const sites =
      site === undefined
        ? sitesOf(actor, "stays.read")
        : [(await chosenSite(db, actor, "stays.read", site, "query")).id];
    const all = await listBookings(db, { ...filter, sites, limit: limit + 1 });
    const rows = all.slice(0, limit);
    const last = all.length > limit ? rows.at(-1) : undefined;
    return { items: await this.#shown(actor, rows), next: last && { endsAt: last.endsAt, id: last.id } };
  }

  /** `action`: what the actor is about to do, or has done. */
  async read(actor: Actor, id: string, action: Action = "stays.read"): Promise<Booking> {
    const [booking] = await this.#shown(actor, [await this.#find(actor, action, id)]);
    return booking!;
  }

  /** Answers its id. The code is made at once where it is time. */
  async create(
    { actor, from }: Asker,
    property: Property,
    wanted: WantedBooking,
    transact: Transact = (work) => this.#parts.store.transaction(work),
  ): Promise<string> {
    const { store, clock, logger } = this.#parts;
    const site = await readSite(store.db, property.site);
    if (!site) throw notFound(`property ${property.id}`);
    const { guest, kind, status } = wanted;
    const time = timeColumns(wanted.time, property, site);
    if (time.endsAt <= clock.wall())
      throw fieldProblem("days" in wanted.time ? "body.departure" : "body.until", "lies in the past");
    const made = await transact(async (tx) => {
      const now = clock.wall();
      const locked = await lockProperty(tx, site.id, property.id);
      if (locked?.closedAt !== null) throw fieldProblem("body.property", "it is let no more", 409);
      const id = newId("booking");
      const row = await insertBooking(tx, {
        siteId: site.id,
        id,
        propertyId: property.id,
        kind,
        source: apiSource,
        externalId: wanted.externalId ?? id,
        status,
        ...time,
        ...guestColumns(guest),
        createdBy: actor.id,
        createdAt: now,
        changedAt: now,
        lookAt: now,
      });
      if (!row) throw fieldProblem("body.externalId", "there is a booking of this name; change that one", 409);
      await lookBeside(tx, row, now);
      const entry = { site: site.id, actor: actor.id, from, action: "bookings.create", thing: id };
      await recordAudit(tx, { ...entry, after: bookingFacts(row) }, now);
      return id;
    });
    logger.info("booking-created", { site: site.id, booking: made, by: actor.id });
    await provisionStay(this.#parts, site.id, made);
    return made;
  }

  /** The code follows at once: the digits stay, its window and doors do not. */
  async change(asker: Asker, id: string, change: BookingChange): Promise<void> {
    const { store } = this.#parts;
    const seen = await this.#find(asker.actor, "stays.change", id);
    if (seen.source !== apiSource) throw fieldProblem("path.id", "it comes from a source; change it there", 409);
    const wanted = change.property ?? seen.propertyId;
    const [property, site] = [await findProperty(store.db, wanted), await readSite(store.db, seen.siteId)];
    if (!property || !site || property.site !== seen.siteId)
      throw fieldProblem("body.property", "the site has no such property");
    if (property.closedAt !== null && wanted !== seen.propertyId)
      throw fieldProblem("body.property", "it is let no more", 409);
    await this.#alter(asker, seen, "bookings.change", async (row) => {
      const time = change.time?.(row);
      return {
        propertyId: property.id,
        status: change.status ?? row.status,
        ...(time && timeColumns(time, property, site)),
        ...guestColumns({ ...guestOf(row), ...withoutUndefined(change.guest ?? {}) }),
      };
    });
  }

  /** What its source tells and waits for the owner's word: taken over, or not. `since`: of what was seen; left out: whatever it is by now. */
  async decide(asker: Asker, id: string, isAgreed: boolean, since?: Instant): Promise<void> {
    const seen = await this.#find(asker.actor, "stays.change", id);
    await this.#alter(asker, seen, isAgreed ? "bookings.agree" : "bookings.refuse", async (row, _, tx) => {
      if (row.held === null) throw new HttpProblem(409, "nothing-waits", "Nothing of it waits for a word.");
      if (since !== undefined && since !== row.heldAt)
        throw new HttpProblem(409, "says-something-else", "Its source says something else by now: look again.");
      const settled = { held: null, heldWhy: null, heldAt: null };
      if (!isAgreed) return { ...settled, refused: row.held };
      const told = JSON.parse(row.held) as BookingState;
      const [property, site] = [await findProperty(tx, told.property), await readSite(tx, row.siteId)];
      if (!property || !site) throw fieldProblem("path.id", "its property is gone", 409);
      return {
        ...settled,
        refused: null,
        ...columnsOf({ ...told, moments: stayMoments(told.days, property.rules, site.zone) }),
      };
    });
  }

  /** So many hours beyond checkout in all, also of a booking that comes from a source; 0: none any more. The code follows at once. */
  async extend(asker: Asker, id: string, hours: number): Promise<void> {
    const seen = await this.#find(asker.actor, "stays.change", id);
    await this.#alter(asker, seen, "bookings.extend", async (row, _, tx) => {
      const property = await findProperty(tx, row.propertyId);
      if (!property) throw fieldProblem("path.id", "its property is gone", 409);
      const wanted = { ...row, extraMinutes: hours * 60 };
      const { stay, window, latest } = await placeKept(tx, wanted, property);
      const isOver =
        row.status === "cancelled" || row.status === "completed" || window.until <= this.#parts.clock.wall();
      if (isOver) throw fieldProblem("path.id", "it is over, or off", 409);
      const late = property.rules.lateMinutes + wanted.extraMinutes;
      if (hours > 0 && latest !== null && stay.until + late * 60_000 > latest) {
        const free = Math.max(0, Math.floor((latest - stay.until) / 60_000) - property.rules.lateMinutes);
        throw fieldProblem("body.hours", `the next stay leaves ${Math.floor(free / 60)} hours, cleaning apart`, 409);
      }
      return { extraMinutes: wanted.extraMinutes };
    });
  }

  /** Other digits: these have come to the wrong ears. */
  async renewCode(asker: Asker, id: string): Promise<void> {
    const seen = await this.#find(asker.actor, "stays.change", id);
    await this.#alter(asker, seen, "bookings.renew-code", async (row, revoke) => {
      if (row.grantId === null) throw noCode(row);
      await revoke(row.grantId);
      // A spare: the code before it may still be good.
      if (row.formerGrantId !== null) await revoke(row.formerGrantId);
      return { grantId: null, formerGrantId: row.grantId };
    });
  }

  /** The digits; who asked for them is in the audit trail before they are told. */
  async reveal(asker: Asker, id: string): Promise<string> {
    const row = await this.#find(asker.actor, "stays.reveal", id);
    const { db } = this.#parts.store;
    const grant = row.grantId === null ? undefined : await readGrant(db, row.siteId, row.grantId);
    if (!grant) throw noCode(row);
    return revealDigits(this.#parts, asker, grant.row, { action: "bookings.reveal", thing: id });
  }

  /** What stands in the address of its guest's page; see stay-links.ts. */
  async link(asker: Asker, id: string, renew: boolean): Promise<SecretString> {
    return tellGuestLink(this.#parts, asker, await this.#find(asker.actor, "stays.reveal", id), renew);
  }

  async #find(actor: Actor, action: Action, id: string): Promise<BookingRow> {
    const found = await findBooking(this.#parts.store.db, id);
    if (!found) throw notFound(`booking ${id}`);
    demandMay(actor, action, { site: found.siteId, madeBy: found.createdBy }, `booking ${id}`);
    return found;
  }

  async #alter(
    { actor, from }: Asker,
    { siteId: site, id }: BookingRow,
    action: string,
    work: (row: BookingRow, revoke: (grant: string) => Promise<void>, tx: Transaction) => Promise<Partial<BookingRow>>,
  ): Promise<void> {
    const { store, clock, logger } = this.#parts;
    await store.transaction(async (tx) => {
      const row = await lockBooking(tx, site, id);
      if (!row) throw notFound(`booking ${id}`);
      if (row.forgottenAt !== null)
        throw fieldProblem("path.id", "it is long over, and who it was for is forgotten", 409);
      const now = clock.wall();
      const change = await work(
        row,
        async (grant) => {
          const held = await lockGrant(tx, site, grant);
          if (held) await revokeGrant(tx, held, now, { digitsToo: true });
        },
        tx,
      );
      const after = await writeBooking(tx, row, { ...change, changedAt: now, lookAt: now });
      for (const one of [row, after]) await lookBeside(tx, one, now);
      const facts = { before: bookingFacts(row), after: bookingFacts(after) };
      await recordAudit(tx, { site, actor: actor.id, from, action, thing: id, ...facts }, now);
    });
    logger.info("booking-changed", { site, booking: id, action, by: actor.id });
    await provisionStay(this.#parts, site, id);
  }

  async #shown(actor: Actor, rows: readonly BookingRow[]): Promise<Booking[]> {
    const { store, clock } = this.#parts;
    const now = clock.wall();
    const twice = await bookedTwice(store.db, rows);
    const properties = new Map<string, Property | undefined>();
    for (const id of new Set(rows.map(({ propertyId }) => propertyId)))
      properties.set(id, await findProperty(store.db, id));
    const codes = new Map<string, readonly TempCodeDoor[]>();
    const sites = new Map<string, SiteRow | undefined>();
    for (const [id, ofSite] of Map.groupBy(rows, ({ siteId }) => siteId)) {
      const site = await readSite(store.db, id);
      sites.set(id, site);
      if (site) for (const [grant, doors] of await this.#doorsOf(site, ofSite, now)) codes.set(grant, doors);
    }
    const placed = new Map<string, PlacedStay>();
    for (const row of rows) {
      const [property, site] = [properties.get(row.propertyId), sites.get(row.siteId)];
      if (property && site) placed.set(row.id, await placeKept(store.db, row, property));
    }
    return rows.flatMap((row) => {
      const [site, place] = [sites.get(row.siteId), placed.get(row.id)];
      if (!site || !place) return [];
      const { window, isTight } = place;
      const {
        siteId: _,
        propertyId,
        refused: _r,
        lookAt,
        watchAt: _w,
        held,
        linkHash: _h,
        linkSealed: _s,
        ...shown
      } = row;
      return {
        ...shown,
        guestPhone: may(actor, "stays.reveal", { site: site.id }) ? row.guestPhone : masked(row.guestPhone),
        held: held === null ? null : (JSON.parse(held) as BookingState),
        site: site.id,
        zone: site.zone,
        property: propertyId,
        codeFrom: window.from,
        codeUntil: window.until,
        codeDueAt: row.grantId === null ? lookAt : null,
        isBookedTwice: twice.has(row.id),
        isTooTight: isTight && row.status === "confirmed",
        doors: codes.get(row.grantId ?? "") ?? [],
        formerDoors: codes.get(row.formerGrantId ?? "") ?? [],
      };
    });
  }

  async #doorsOf(
    site: SiteRow,
    rows: readonly BookingRow[],
    now: Instant,
  ): Promise<ReadonlyMap<string, readonly TempCodeDoor[]>> {
    const { db } = this.#parts.store;
    const grants: PublishedGrant[] = [];
    for (const id of rows.flatMap(({ grantId, formerGrantId }) => [grantId, formerGrantId])) {
      const grant = id === null ? undefined : await readGrant(db, site.id, id);
      if (grant) grants.push(grant);
    }
    const evidenceOf: EvidenceOf = await gatherEvidence(db, site, grants, now);
    return new Map(grants.map((one) => [one.row.id, codeAtDoors(one, site, evidenceOf, now)]));
  }
}

function timeColumns(time: BookedTime, property: Property, site: SiteRow) {
  const days = "days" in time ? time.days : undefined;
  const { from, until } = "days" in time ? stayMoments(time.days, property.rules, site.zone) : time.moments;
  if (from >= until) throw fieldProblem(days ? "body.departure" : "body.until", "must be after it begins");
  if (until - from > stayMsMax)
    throw fieldProblem(days ? "body.departure" : "body.until", "is more than 400 days after it begins");
  const none = { arrival: null, departure: null, checkIn: null, checkOut: null };
  return { ...none, ...days, beginsAt: from, endsAt: until };
}

function noCode({ status, lookAt, problem }: BookingRow): HttpProblem {
  if (status === "cancelled" || status === "completed")
    return new HttpProblem(409, "no-code", `It has no code: it is ${status}.`);
  if (problem !== null) return new HttpProblem(409, "no-code", `It has no code: ${problem}.`);
  if (lookAt === null)
    return new HttpProblem(409, "no-code", "It has no code and gets none: it is not confirmed, or over.");
  const at = Temporal.Instant.fromEpochMilliseconds(lookAt).toString();
  return new HttpProblem(409, "no-code", `It has no code yet: it is made at ${at}.`);
}

/** A code may be the end of it. */
function masked(phone: string | null): string | null {
  return phone?.replaceAll(/\d(?=(?:\D*\d){0,7}\D*$)/g, "•") ?? null;
}

function withoutUndefined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
