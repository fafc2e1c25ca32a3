/**
 * One message to a guest: by the first way that may do, tried again where that helps, else by the next. That it is being handed over is
 * written down before it is, so that a crash in between is seen; what services tell of it later is taken in here too.
 */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import type { SecretString } from "../gateway/wire/secret.ts";
import {
  type ChannelName,
  type GuestChannel,
  type GuestNote,
  resultOfClass,
  type SendResult,
} from "./channels/guest-channel.ts";
import { guestMail } from "./channels/guest-mail.ts";
import { lodgifyMessages } from "./channels/lodgify-messages.ts";
import { toE164 } from "./channels/phone-number.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { afterWord } from "./domain/delivery.ts";
import { isSameMessage } from "./domain/guest-messages.ts";
import { languageOf, noteInWords } from "./guest-note.ts";
import { messageFactsOf } from "./message-facts.ts";
import { digitsOf } from "./own-grants.ts";
import { isSpare } from "./spare-codes.ts";
import { endCauses, raiseAlarm } from "./stay-alarms.ts";
import { guestLinkOf } from "./stay-links.ts";
import { placeKept } from "./stay-window.ts";
import { findSource, sourceKey } from "./store/booking-sources.ts";
import { type BookingRow, findBooking, watchNow } from "./store/bookings.ts";
import { readDoors } from "./store/doors.ts";
import { type GrantRow, readGrant, toGrant } from "./store/grants.ts";
import {
  findByRef,
  findMessage,
  keepReport,
  lockDueMessage,
  lockMessage,
  lockRef,
  type MessageRow,
  type Report,
  reportsOf,
  saysOf,
  writeMessage,
} from "./store/guest-messages.ts";
import { type MessageSettings, openWifi, readSettings } from "./store/message-settings.ts";
import { findProperty, type Property } from "./store/properties.ts";
import { readSite, type SiteRow } from "./store/sites.ts";
import type { Queries, Transaction } from "./store/store.ts";
import { withinDeadline } from "./within-deadline.ts";

const sendWithinMs: Millis = 30_000;
/** Longer than a sending and its writing down may take: then it was interrupted. */
const leaseMs: Millis = 3 * sendWithinMs;
/** After each failed attempt by one way. A mail server that makes strangers wait wants five minutes. */
const pausesMs: readonly Millis[] = [60_000, 300_000, 900_000];
const pauseMsMax: Millis = 3_600_000;
/** A telephone that was off for as long as the service tried. */
const undeliveredPauseMs: Millis = 15 * 60_000;
/** So often is asked what became of one whose answer was lost. */
const findTimes = 5;
const findPauseMs: Millis = 60_000;
/** At a stay of which something was to be told that is not so any more. */
const lookAgainMs: Millis = 60_000;
/** One that could not be begun. */
const tryAgainMs: Millis = 5 * 60_000;

/** All that a message is made of. */
interface Told {
  readonly booking: BookingRow;
  readonly property: Property;
  readonly site: SiteRow;
  readonly settings: MessageSettings;
  readonly grant: GrantRow | undefined;
  /** When the code of the stay begins to work. */
  readonly begins: Instant;
  readonly code: SecretString | undefined;
  readonly wifi: string | null;
  readonly ways: readonly Way[];
}

/** A channel, and where the guest is reached by it. */
interface Way {
  readonly channel: GuestChannel;
  readonly to: string;
}

/** The one that has been due for longest; false: none is. */
export async function tellDue(parts: CloudParts): Promise<boolean> {
  const { store, clock } = parts;
  const taken = await takeDue(parts);
  if (!taken) return false;
  const { row, next } = taken;
  if (next === "done") return true;
  const { told, way, isAgain } = next;
  const result = await handOver(parts, next.row, told, way, isAgain);
  await store.transaction((tx) => writeDown(parts, tx, next.row, result, clock.wall()));
  log(parts, row, way.channel.name, result);
  return true;
}

/** undefined: none is due. */
async function takeDue(parts: CloudParts): Promise<{ row: MessageRow; next: Begun | "done" } | undefined> {
  const { store, clock, logger } = parts;
  let taken: MessageRow | undefined;
  try {
    return await store.transaction(async (tx) => {
      taken = await lockDueMessage(tx, clock.wall());
      return taken && { row: taken, next: await begin(parts, tx, taken, clock.wall()) };
    });
  } catch (error) {
    const row = taken;
    if (!row) throw error;
    logger.error("guest-not-told", { site: row.siteId, message: row.id, error: error as Error });
    // Whatever it is, it must not keep those behind it waiting.
    await store.transaction(async (tx) => {
      const again = await lockMessage(tx, row.siteId, row.id);
      if (again && again.dueAt !== null)
        await writeMessage(tx, again, { dueAt: clock.wall() + tryAgainMs }, clock.wall());
    });
    return { row, next: "done" };
  }
}

interface Begun {
  readonly row: MessageRow;
  readonly told: Told;
  readonly way: Way;
  /** It was being handed over when something ended that: perhaps it has arrived. */
  readonly isAgain: boolean;
}

async function begin(parts: CloudParts, tx: Transaction, row: MessageRow, now: Instant): Promise<Begun | "done"> {
  const isAgain = row.state === "sending";
  const told = await readTold(parts, tx, row);
  const way = isAgain
    ? told?.ways.find(({ channel }) => channel.name === row.channel)
    : told?.ways.find(({ channel }) => !row.tried.includes(channel.name));
  // One that is only looked for is looked for whatever it says.
  const isOnlyFound = isAgain && way !== undefined && !way.channel.isRepeatable;
  if (!told || (!isOnlyFound && !isStillSo(row, told, now))) {
    await writeMessage(tx, row, { state: isAgain ? "unknown" : "dropped", dueAt: null }, now);
    // Not at once: were the two ever not of one mind, they would keep each other busy.
    await watchNow(tx, row.siteId, [row.bookingId], now + lookAgainMs);
    return "done";
  }
  if (!way || (isAgain && row.attempts > findTimes)) {
    await giveUp(
      tx,
      row,
      { state: isAgain ? "unknown" : "failed", why: row.why ?? "there is no way to reach them" },
      now,
    );
    return "done";
  }
  const attempts = row.channel === way.channel.name ? row.attempts + 1 : 1;
  const under = { state: "sending", channel: way.channel.name, attempts, dueAt: now + leaseMs } as const;
  const after = await writeMessage(tx, row, { ...under, sendingAt: isAgain ? row.sendingAt : now }, now);
  return { row: after, told, way, isAgain };
}

async function readTold(parts: CloudParts, tx: Queries, row: MessageRow): Promise<Told | undefined> {
  const booking = await findBooking(tx, row.bookingId);
  const [property, site] = [booking && (await findProperty(tx, booking.propertyId)), await readSite(tx, row.siteId)];
  if (!booking || !property || !site || booking.forgottenAt !== null) return undefined;
  const settings = await readSettings(tx, site.id, property.id);
  const grant = booking.grantId === null ? undefined : (await readGrant(tx, site.id, booking.grantId))?.row;
  const begins = (await placeKept(tx, booking, property)).window.from;
  const seal = await parts.siteKeys.seal(tx, site.id);
  const code = grant && digitsOf(grant, seal);
  const source = await findSource(tx, booking.source);
  const key = source?.kind === "lodgify" && source.closedAt === null ? sourceKey(source, seal) : undefined;
  const all: Way[] = [];
  const add = (channel: GuestChannel, to: string | null | undefined) => {
    if (to) all.push({ channel, to });
  };
  for (const channel of parts.guests?.channels ?? []) add(channel, toE164(booking.guestPhone, settings.country));
  if (parts.mail) add(guestMail(parts.mail), booking.guestEmail);
  if (key) add(lodgifyMessages({ key, apiUrl: parts.lodgifyUrl }), booking.externalId.split("/")[0]);
  const ways = settings.channels.flatMap((name) => all.filter(({ channel }) => channel.name === name));
  return { booking, property, site, settings, grant, begins, code, wifi: openWifi(settings, property.id, seal), ways };
}

/** What it says is what is, there is time left for it, and guests are told, unless somebody asked for this one. */
function isStillSo(row: MessageRow, { booking, settings, grant, begins, code }: Told, now: Instant): boolean {
  if (now >= saysOf(row).until || (!settings.on && row.askedBy === null)) return false;
  if (row.kind === "cancelled") return booking.status === "cancelled";
  if (!grant || !code || grant.revokedAt !== null || booking.status !== "confirmed") return false;
  const says = messageFactsOf(toGrant(grant), begins);
  return says !== null && isSameMessage({ kind: row.kind, says }, { kind: row.kind, says: saysOf(row) });
}

async function handOver(
  parts: CloudParts,
  row: MessageRow,
  told: Told,
  { channel, to }: Way,
  isAgain: boolean,
): Promise<SendResult | "absent"> {
  const { note, isOwn } = await toNote(parts, row, told, to);
  const byTemplate = row.byTemplate || (!isOwn && channel.hasTemplate(row.kind, note.language));
  const whole: GuestNote = { ...note, byTemplate };
  if (!isAgain || channel.isRepeatable)
    return withinDeadline(parts, sendWithinMs, (signal) => channel.send(whole, signal));
  const { find } = channel;
  const since = row.sendingAt ?? row.stateAt;
  if (!find) return { outcome: "unknown", why: `${channel.name}: whether it left is not known` };
  const found = await withinDeadline(parts, sendWithinMs, (signal) => find(whole, since, signal));
  if (found === "absent") return "absent";
  if (found === "unknown") return { outcome: "unknown", why: `${channel.name}: whether it left is not known yet` };
  return { outcome: "sent", ref: found.ref };
}

async function toNote(parts: CloudParts, row: MessageRow, told: Told, to: string) {
  const { booking, property, site, settings, grant, code, wifi } = told;
  const says = saysOf(row);
  // At a lock without windows it would open before the stay begins.
  const isEarlySpare = grant !== undefined && isSpare(toGrant(grant)) && parts.clock.wall() < says.from;
  const { publicUrl } = parts;
  const isNeeded = publicUrl !== undefined && row.kind !== "cancelled";
  const link = isNeeded ? await guestLinkOf(parts, booking, publicUrl) : undefined;
  const doors = await readDoors(parts.store.db, site.id, says.doors);
  const language = languageOf(booking.guestLanguage, settings);
  const { isOwn, ...words } = noteInWords({
    ...{ kind: row.kind, says, isProven: row.isProven, language, link, settings, code, wifi, isEarlySpare },
    guest: booking.guestName,
    property: property.name,
    zone: site.zone,
    doors: doors.map(({ id, name }) => name ?? id),
  });
  return { note: { id: row.id, kind: row.kind, to, language, ...words }, isOwn };
}

async function writeDown(
  parts: CloudParts,
  tx: Transaction,
  sent: MessageRow,
  result: SendResult | "absent",
  now: Instant,
): Promise<void> {
  const row = await lockMessage(tx, sent.siteId, sent.id);
  // A report was quicker, or it took so long that somebody else has begun anew.
  const isOurs = row?.state === "sending" && row.sendingAt === sent.sendingAt && row.attempts === sent.attempts;
  if (!row || !isOurs) return;
  if (result === "absent") return void (await writeMessage(tx, row, { state: "waiting", dueAt: now }, now));
  switch (result.outcome) {
    case "sent": {
      const other = result.ref === null ? undefined : await findByRef(tx, result.ref);
      if (!other || other.id === row.id) return markSent(tx, row, result.ref, now);
      return giveUp(tx, row, { state: "unknown", why: "what was found is another message to the same number" }, now);
    }
    case "unknown": {
      const told = await readTold(parts, tx, row);
      const way = told?.ways.find(({ channel }) => channel.name === row.channel);
      const mayFindOut = way !== undefined && (way.channel.isRepeatable || way.channel.find !== undefined);
      if (mayFindOut) return void (await writeMessage(tx, row, { dueAt: now + findPauseMs, why: result.why }, now));
      return giveUp(tx, row, { state: "unknown", why: result.why }, now);
    }
    default:
      return failed(tx, row, result, now);
  }
}

async function markSent(tx: Transaction, row: MessageRow, ref: string | null, now: Instant): Promise<void> {
  const settled = { state: "sent", ref, dueAt: null, why: null } as const;
  if (ref !== null) await lockRef(tx, ref);
  let after = await writeMessage(tx, row, settled, now);
  await endCauses(tx, { site: row.siteId, booking: row.bookingId, kinds: ["not-told"] }, now);
  // What the service has told of it before it was known here by this name.
  for (const report of ref === null ? [] : await reportsOf(tx, ref)) after = await applyReport(tx, after, report, now);
}

type Failure = Exclude<SendResult, { outcome: "sent" | "unknown" }>;

/** Tried again, by a template, by another way; or nobody reaches them. */
async function failed(tx: Transaction, row: MessageRow, result: Failure, now: Instant): Promise<void> {
  const { outcome, why } = result;
  const pauseMs = outcome === "later" ? pausesMs[row.attempts - 1] : undefined;
  if (outcome === "later" && pauseMs !== undefined) {
    const dueAt = now + Math.min(Math.max(pauseMs, result.afterMs ?? 0), pauseMsMax);
    await writeMessage(tx, row, { state: "waiting", dueAt, ref: null, why }, now);
    return;
  }
  const base = { state: "waiting", dueAt: now, ref: null, why } as const;
  if (outcome === "template" && !row.byTemplate) {
    await writeMessage(tx, row, { ...base, byTemplate: true }, now);
    return;
  }
  const tried = row.channel === null ? row.tried : [...row.tried, row.channel];
  await writeMessage(tx, row, { ...base, tried, attempts: 0, byTemplate: false }, now);
}

async function giveUp(
  tx: Transaction,
  row: MessageRow,
  { state, why }: { readonly state: "failed" | "unknown"; readonly why: string },
  now: Instant,
): Promise<void> {
  await writeMessage(tx, row, { state, why, dueAt: null }, now);
  if (row.kind === "cancelled") return;
  const detail = { message: row.id, tried: row.tried, why };
  await raiseAlarm(tx, { site: row.siteId, booking: row.bookingId, kind: "not-told", detail }, now);
}

/** What a service tells of a message. `message`: its id here, where the service was given it. */
export async function takeReport(
  { store, clock, logger }: CloudParts,
  report: Report,
  message?: string,
): Promise<void> {
  const now = clock.wall();
  const after = await store.transaction(async (tx) => {
    // One that names its message waits for that message's row instead.
    if (message === undefined) await lockRef(tx, report.ref);
    if (!(await keepReport(tx, report, now))) return undefined;
    const seen = message === undefined ? await findByRef(tx, report.ref) : await findMessage(tx, message);
    const row = seen && (await lockMessage(tx, seen.siteId, seen.id));
    if (!row) return undefined;
    // Of an attempt that was given up, or another's.
    const isOpen = row.state === "sending" || row.state === "unknown";
    if (row.ref === null ? !isOpen : row.ref !== report.ref) return undefined;
    // Another attempt is on its way that has no name yet, and this is of the one that failed before.
    const isOver = row.ref === null && report.word === "sent" && (await hasFailed(tx, report.ref));
    if (isOver) return undefined;
    const known = row.ref === null ? await writeMessage(tx, row, { ref: report.ref }, now) : row;
    return applyReport(tx, known, report, now);
  });
  if (after)
    logger.info("message-reported", { site: after.siteId, message: after.id, word: report.word, state: after.state });
}

async function hasFailed(tx: Queries, ref: string): Promise<boolean> {
  return (await reportsOf(tx, ref)).some(({ word }) => word === "failed");
}

async function applyReport(tx: Transaction, row: MessageRow, report: Report, now: Instant): Promise<MessageRow> {
  const state = afterWord(row.state, report.word);
  if (state === row.state) return row;
  if (state === "failed") {
    const why = report.why ?? "it was not delivered";
    const result = resultOfClass(report.errorClass ?? "recipient", why, undeliveredPauseMs);
    await failed(tx, row, result as Failure, now);
  } else {
    await writeMessage(tx, row, { state, dueAt: null, why: null }, now);
    await endCauses(tx, { site: row.siteId, booking: row.bookingId, kinds: ["not-told"] }, now);
  }
  return (await lockMessage(tx, row.siteId, row.id)) ?? row;
}

function log({ logger }: CloudParts, row: MessageRow, channel: ChannelName, result: SendResult | "absent"): void {
  const facts = { site: row.siteId, message: row.id, channel, attempts: row.attempts + 1 };
  if (result === "absent") logger.info("message-was-not-sent", facts);
  else if (result.outcome === "sent") logger.info("message-sent", facts);
  else {
    const isTheirs = result.outcome === "never" && result.operator;
    logger[isTheirs ? "error" : "warn"](isTheirs ? "message-settings-wrong" : "message-not-sent", {
      ...facts,
      outcome: result.outcome,
      why: result.why,
    });
  }
}
