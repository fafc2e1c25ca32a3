/** The tables of stays: what is let, what was booked, and where bookings come from. */
import { boolean, index, integer, pgTable, primaryKey, text, unique, uniqueIndex } from "drizzle-orm/pg-core";
import { sql } from "drizzle-orm/sql";
import { channelNames, errorClasses } from "../channels/guest-channel.ts";
import { deliveryWords, messageStates } from "../domain/delivery.ts";
import { messageKinds } from "../domain/guest-messages.ts";
import { heldReasons } from "../domain/reconcile-bookings.ts";
import { alarmKinds } from "../domain/stay-alarms.ts";
import { bookingKinds, bookingStatuses } from "../domain/stay-planner.ts";
import { sourceKinds } from "../sources/booking-source.ts";
import { count, instant } from "./columns.ts";

/** A flat, house or room that is let. */
export const property = pgTable(
  "property",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    name: text("name").notNull(),
    /** The doors that its code opens. */
    accessPoints: text("access_points").array().notNull(),
    /** JSON of StayRules. */
    rules: text("rules").notNull(),
    /** JSON of HouseGuide; null: nothing is told. */
    guide: text("guide"),
    createdAt: instant("created_at").notNull(),
    /** Since when it is let no more. */
    closedAt: instant("closed_at"),
    /** When its spare codes are looked at; null: it has none. */
    sparesAt: instant("spares_at"),
    /** How many of them were proven when they were last looked at. */
    sparesReady: integer("spares_ready"),
    /** Why none could be made; it is tried again. */
    sparesProblem: text("spares_problem"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("property_id").on(table.id),
    index("property_spares").on(table.sparesAt).where(sql`spares_at is not null`),
  ],
);

/** Codes that a property holds ready, see domain/spare-pool.ts. */
export const spareCode = pgTable(
  "spare_code",
  {
    siteId: text("site_id").notNull(),
    grantId: text("grant_id").notNull(),
    propertyId: text("property_id").notNull(),
    madeAt: instant("made_at").notNull(),
    /** The booking that has it. */
    givenTo: text("given_to"),
    givenAt: instant("given_at"),
    /** Since when it is in nobody's hands any more, and why. */
    endedAt: instant("ended_at"),
    why: text("why", { enum: ["old", "doors", "failed", "surplus"] }),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.grantId] }),
    index("spare_code_property").on(table.siteId, table.propertyId),
  ],
);

/** A stay as its source tells of it, and the grant that came of it; see domain/stay-planner.ts. */
export const booking = pgTable(
  "booking",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    propertyId: text("property_id").notNull(),
    kind: text("kind", { enum: bookingKinds }).notNull(),
    /** "api": whoever asks at /api/bookings. */
    source: text("source").notNull(),
    /** What the source calls it. */
    externalId: text("external_id").notNull(),
    status: text("status", { enum: bookingStatuses }).notNull(),
    /** Calendar days and hours at the site; null: it was booked from a moment to a moment. */
    arrival: text("arrival"),
    departure: text("departure"),
    checkIn: text("check_in"),
    checkOut: text("check_out"),
    beginsAt: instant("begins_at").notNull(),
    endsAt: instant("ends_at").notNull(),
    /** Its code goes on so long beyond checkout, besides the property's late minutes. */
    extraMinutes: integer("extra_minutes").notNull().default(0),
    guestName: text("guest_name").notNull(),
    guestPhone: text("guest_phone"),
    guestEmail: text("guest_email"),
    /** ISO 639-1. */
    guestLanguage: text("guest_language"),
    createdBy: text("created_by").notNull(),
    createdAt: instant("created_at").notNull(),
    changedAt: instant("changed_at").notNull(),
    grantId: text("grant_id"),
    /** The one before, whose digits are used again where they may be. */
    formerGrantId: text("former_grant_id"),
    /** When the planner has to look at it; null: not before it changes. */
    lookAt: instant("look_at"),
    /** Why it has no code, or not the right one: the planner tries again. */
    problem: text("problem"),
    /** When its doors, its code and its guest are looked after next (../watch-stays.ts); null: not before it changes. */
    watchAt: instant("watch_at"),
    /** Since when nothing here says who the guest was. */
    forgottenAt: instant("forgotten_at"),
    /** JSON of BookingState: what its source tells and the owner has not agreed to, and why it waits. */
    held: text("held"),
    heldWhy: text("held_why", { enum: heldReasons }),
    heldAt: instant("held_at"),
    /** The same, to which the owner has said no. */
    refused: text("refused"),
    /** How often its source did not know it, and since when. */
    missedTimes: integer("missed_times"),
    missedSince: instant("missed_since"),
    /** Of the link by which its guest sees it, see ./stay-links.ts; null: nobody has asked for one. */
    linkHash: text("link_hash"),
    linkSealed: text("link_sealed"),
    /** What it is known by there besides, see domain/recognise-bookings.ts. */
    sourceCode: text("source_code"),
    sourceUid: text("source_uid"),
    /** Its source says the same of days that are merely closed. */
    mayBeBlock: boolean("may_be_block").notNull().default(false),
    /** The grant whose code stands at the source, and when the present one's is to be written there. */
    keyCodeGrant: text("key_code_grant"),
    keyCodeAt: instant("key_code_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("booking_held").on(table.siteId, table.heldAt).where(sql`held_at is not null`),
    unique().on(table.siteId, table.source, table.externalId),
    index("booking_id").on(table.id),
    uniqueIndex("booking_link").on(table.linkHash).where(sql`link_hash is not null`),
    index("booking_due").on(table.lookAt).where(sql`look_at is not null`),
    index("booking_watched").on(table.watchAt).where(sql`watch_at is not null`),
    index("booking_stays").on(table.siteId, table.endsAt, table.beginsAt, table.id),
    index("booking_grant").on(table.siteId, table.grantId).where(sql`grant_id is not null`),
    index("booking_former_grant").on(table.siteId, table.formerGrantId).where(sql`former_grant_id is not null`),
    index("booking_property").on(table.siteId, table.propertyId, table.endsAt),
  ],
);

/** Where bookings come from by themselves, see ./booking-sources.ts. */
export const bookingSource = pgTable(
  "booking_source",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    kind: text("kind", { enum: sourceKinds }).notNull(),
    name: text("name").notNull(),
    /** Its key, by the site's key. */
    sealed: text("sealed").notNull(),
    /** JSON: which of its flats and rooms are which property. */
    places: text("places").notNull(),
    everyMinutes: integer("every_minutes").notNull(),
    createdBy: text("created_by").notNull(),
    createdAt: instant("created_at").notNull(),
    closedAt: instant("closed_at"),
    /** When it is read next; null: it is closed. */
    nextAt: instant("next_at"),
    /** Somebody is reading it until then, unless they died. */
    runUntil: instant("run_until"),
    ranAt: instant("ran_at"),
    goodAt: instant("good_at"),
    /** JSON of SourceResult. */
    result: text("result"),
    /** JSON, by its kind: see sources/source-kinds.ts. */
    options: text("options").notNull().default("{}"),
    /** What its next reading is told, so that what has not changed need not come again. */
    mark: text("mark"),
    /** Since when nothing at all is in it. */
    emptySince: instant("empty_since"),
    /** What stands in the address that it sends to, see ./link-secret.ts. */
    tokenHash: text("token_hash"),
    tokenSealed: text("token_sealed"),
    /** The key before, which is taken until then. */
    formerSealed: text("former_sealed"),
    formerUntil: instant("former_until"),
    /** What it is to send by itself and signs with, sealed JSON; when that was looked at last. */
    subscriptions: text("subscriptions"),
    subscribedAt: instant("subscribed_at"),
    /** When it is read whole next; until then it is asked for what it has sent word of. */
    wholeAt: instant("whole_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    index("booking_source_due").on(table.nextAt).where(sql`next_at is not null`),
  ],
);

/** What somebody should do something about, see ../domain/stay-alarms.ts. */
export const stayAlarm = pgTable(
  "stay_alarm",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    kind: text("kind", { enum: alarmKinds }).notNull(),
    /** The id of the booking, or of the source. */
    about: text("about").notNull(),
    /** People were told as often. */
    level: integer("level").notNull(),
    /** JSON: what it rests on, without secrets. */
    detail: text("detail").notNull(),
    raisedAt: instant("raised_at").notNull(),
    /** When it rose last. */
    roseAt: instant("rose_at").notNull(),
    /** Nobody need do anything any more. */
    settledAt: instant("settled_at"),
    /** Who has said so; null: its cause is gone. */
    settledBy: text("settled_by"),
    /** Its cause is gone; until then no other of its kind is raised about the same. */
    endedAt: instant("ended_at"),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    uniqueIndex("stay_alarm_open").on(table.siteId, table.about, table.kind).where(sql`ended_at is null`),
    index("stay_alarm_id").on(table.id),
    index("stay_alarm_newest").on(table.siteId, table.raisedAt, table.id),
  ],
);

/** What a source has sent of its bookings by itself, see ./hook-messages.ts. */
export const hookMessage = pgTable(
  "hook_message",
  {
    siteId: text("site_id").notNull(),
    sourceId: text("source_id").notNull(),
    /** The sender's. */
    id: text("id").notNull(),
    bodyHash: text("body_hash").notNull(),
    externalId: text("external_id").notNull(),
    version: count("version"),
    occurredAt: instant("occurred_at"),
    /** JSON of SourceBooking, by the site's key; null: it is only word that something has changed, or was older than what was known. */
    sealed: text("sealed"),
    /** No later one of this booking is known. */
    isLatest: boolean("is_latest").notNull(),
    /** As they came. */
    serial: count("serial").notNull(),
    /** It has not been taken over yet. */
    isPending: boolean("is_pending").notNull(),
    receivedAt: instant("received_at").notNull(),
    keepUntil: instant("keep_until").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.sourceId, table.id] })],
);

/** How the guests of a property are told; none: they are not. */
export const messageSettings = pgTable(
  "message_settings",
  {
    siteId: text("site_id").notNull(),
    propertyId: text("property_id").notNull(),
    /** JSON of MessageSettings. */
    body: text("body").notNull(),
    changedAt: instant("changed_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.propertyId] })],
);

/** What a guest was told of a stay, or is about to be: the facts, never the words. */
export const guestMessage = pgTable(
  "guest_message",
  {
    siteId: text("site_id").notNull(),
    id: text("id").notNull(),
    bookingId: text("booking_id").notNull(),
    /** Of the booking's messages, from 1. */
    number: integer("number").notNull(),
    kind: text("kind", { enum: messageKinds }).notNull(),
    /** JSON of MessageFacts. */
    says: text("says").notNull(),
    /** Every door had confirmed the code. */
    isProven: boolean("is_proven").notNull(),
    state: text("state", { enum: messageStates }).notNull(),
    /** By which it went, or goes. */
    channel: text("channel", { enum: channelNames }),
    /** Ways that were given up. */
    tried: text("tried", { enum: channelNames }).array().notNull(),
    byTemplate: boolean("by_template").notNull(),
    /** On this way. */
    attempts: integer("attempts").notNull(),
    /** When it is tried next, or found out about; null: it is settled. */
    dueAt: instant("due_at"),
    /** When it was handed over, the last time. */
    sendingAt: instant("sending_at"),
    /** What the service calls it. */
    ref: text("ref"),
    /** What kept it from the guest, the last time. */
    why: text("why"),
    /** Who wanted it sent again; null: nobody had to. */
    askedBy: text("asked_by"),
    createdAt: instant("created_at").notNull(),
    stateAt: instant("state_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.siteId, table.id] }),
    unique().on(table.siteId, table.bookingId, table.number),
    index("guest_message_id").on(table.id),
    index("guest_message_ref").on(table.ref).where(sql`ref is not null`),
    index("guest_message_due").on(table.dueAt).where(sql`due_at is not null`),
    index("guest_message_newest").on(table.siteId, table.createdAt, table.id),
  ],
);

/** What a service has told of a message it calls so; it may come before the message's sending is written down. */
export const deliveryReport = pgTable(
  "delivery_report",
  {
    /** "*": which site it is about is known by the message alone. */
    siteId: text("site_id").notNull(),
    ref: text("ref").notNull(),
    word: text("word", { enum: deliveryWords }).notNull(),
    /** Of a failure. */
    errorClass: text("error_class", { enum: errorClasses }),
    why: text("why"),
    at: instant("at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.siteId, table.ref, table.word] })],
);
