/**
 * A year of one owner: twelve properties at two sites, 900 bookings from Lodgify and from platforms' calendars, with changes of plan, faults of
 * the sources, cut lines, locks that are away and restarts; both changes of the clocks. Counted: nobody stands at a door without a code that
 * works, unless somebody was told two hours before; no code outlives its stay; nobody is locked out by a source.
 *
 * The cloud is the real one, the sources are simulated over HTTP, doors decide by the gateway's own records. SEED=N repeats another year.
 */
import assert from "node:assert/strict";
import { and, eq, gt, isNotNull } from "drizzle-orm";
import type { Mail, MailChannel } from "../../cloud-sync/channels/mail.ts";
import { cleanOnce } from "../../cloud-sync/jobs/housekeeping.ts";
import { provisionAllDue } from "../../cloud-sync/jobs/provision-stays.ts";
import { readAllDue } from "../../cloud-sync/jobs/read-sources.ts";
import { sweepOnce } from "../../cloud-sync/jobs/sweep-stays.ts";
import { tellAllDue } from "../../cloud-sync/jobs/tell-guests.ts";
import { watchAllDue } from "../../cloud-sync/jobs/watch-stays.ts";
import { digitsOf } from "../../cloud-sync/own-grants.ts";
import { nextReadAt } from "../../cloud-sync/store/booking-sources.ts";
import { nextLookAt, nextWatchAt } from "../../cloud-sync/store/bookings.ts";
import { readGrant } from "../../cloud-sync/store/grants.ts";
import { nextMessageAt } from "../../cloud-sync/store/guest-messages.ts";
import { booking as bookings, stayAlarm } from "../../cloud-sync/store/schema.ts";
import type { Store } from "../../cloud-sync/store/store.ts";
import { IcalFeeds } from "../../firmware-sim/links/ical-feeds.ts";
import { LodgifyServer } from "../../firmware-sim/links/lodgify.ts";
import type { Validity } from "../../gateway/domain/grant.ts";
import { type CloudSurroundings, givenCloud, HandClock, type TestCloud, TestGateway } from "../support/cloud.ts";
import { carryOut, type Planned, planYear, type Stay } from "../support/let-calendar.ts";
import { LetHouse } from "../support/let-house.ts";
import { memoryStore } from "../support/memory-store.ts";
import { Random } from "../support/random.ts";

const seed = Number(process.env.SEED ?? 1);
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** Unless the whole year is asked for (`npm run year`), six weeks of it with the change of the clocks at either site. */
const isWhole = process.env.YEAR === "whole";
const yearFrom = isWhole ? "2031-01-01" : "2031-03-01";
const days = isWhole ? 372 : 44;
const perProperty = isWhole ? 75 : 9;
/** How often a fault of each kind comes, for the whole year. */
const share = days / 372;
/** Whoever books later than so long before may come before anybody can know. */
const knownMs = 24 * hour;
const toleranceMs = 30 * minute;
const lateMinutes = 15;
/** What is asked again after a pause, is asked again at once. */
const pauseMsMax = 10_000;

class KeptMail implements MailChannel {
  readonly mails: Mail[] = [];

  async send(mail: Mail) {
    this.mails.push(mail);
    return { outcome: "sent" } as const;
  }
}

class YearClock extends HandClock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return ms <= pauseMsMax ? Promise.resolve() : super.sleep(ms, signal);
  }
}

/** The first eight are let by Lodgify in Madrid, the others by calendars in New York; every third door has a lock that keeps its codes. */
const properties = Array.from({ length: 12 }, (_, number) => {
  const isLodgify = number < 8;
  const site = isLodgify ? "madrid" : "york";
  const door = `flat-${number}`;
  return { number, isLodgify, site, door, keeps: number % 3 === 1, zone: zoneOf(site), token: `calendar-${number}` };
});
function zoneOf(site: string): string {
  return site === "madrid" ? "Europe/Madrid" : "America/New_York";
}

interface Followed {
  readonly stay: Stay;
  /** What the source calls it; a platform may rename it. */
  name: string;
  booking?: string;
  grant?: string;
  /** As the guest was told. */
  digits?: string | undefined;
  /** Moments of it that have been looked at. */
  readonly seen: Set<string>;
}

const clock = new YearClock();
const random = new Random(seed);
const lodgify = new LodgifyServer({
  key: "lodgify-key-of-a-year",
  clock,
  properties: properties
    .filter(({ isLodgify }) => isLodgify)
    .map(({ number, zone }) => ({ id: 800 + number, name: `Flat ${number}`, zone, rooms: [] })),
});
const feeds = new IcalFeeds({ clock });
const mail = new KeptMail();
const houses = new Map<string, LetHouse>();
const followed = new Map<Stay, Followed>();
const byGuest = new Map<string, Followed>();
const counts = {
  stays: 0,
  opened: 0,
  alarmed: 0,
  tooLate: 0,
  probes: 0,
  ended: 0,
  endedLater: 0,
  changes: 0,
  faults: 0,
  cuts: 0,
  restarts: 0,
  decided: 0,
  swept: 0,
  mails: 0,
};
const wrong: string[] = [];
let store: Store;
let cloud: TestCloud;
let surroundings: CloudSurroundings;
const sources = new Map<string, string>();
const propertyIds: string[] = [];

async function begin(): Promise<void> {
  const calendarOrigins = [(await feeds.start()).url];
  const urls = { lodgifyUrl: (await lodgify.start()).url, calendarOrigins };
  store = await memoryStore({ clock });
  clock.stepWall(Date.parse(`${yearFrom}T00:00Z`) - clock.wall());
  surroundings = { clock, store, mail, publicUrl: "http://localhost", ...urls };
  cloud = await givenCloud(surroundings);
  // Gateways outlive the service's restarts.
  const app = { request: (...asked: Parameters<TestCloud["app"]["request"]>) => cloud.app.request(...asked) };
  for (const site of ["madrid", "york"]) {
    await asked("POST", "/api/sites", { id: site, name: site, zone: zoneOf(site) }, 201);
    const { code } = await asked("POST", `/api/sites/${site}/gateways`, { name: "gate" }, 201);
    const gateway = new TestGateway(app as TestCloud["app"], clock);
    await gateway.enrol(code);
    const doors = properties.filter((one) => one.site === site);
    const house = await LetHouse.build(gateway, {
      clock,
      seal: await cloud.parts.siteKeys.seal(store.db, site),
      deciding: [`street-${site}`, ...doors.filter(({ keeps }) => !keeps).map(({ door }) => door)],
      keeping: doors.filter(({ keeps }) => keeps).map(({ door }) => door),
    });
    houses.set(site, house);
  }
  for (const { number, site, door } of properties) {
    const rules = { lateMinutes, codeLength: 6 };
    const order = { site, name: `Flat ${number}`, accessPoints: [`street-${site}`, door], rules };
    const { id } = await asked("POST", "/api/properties", order, 201);
    await asked("PATCH", `/api/properties/${id}/messages`, { on: true, channels: ["mail"], pinInMessage: true });
    propertyIds.push(id);
  }
  const places = Object.fromEntries(
    properties.filter(({ isLodgify }) => isLodgify).map(({ number }) => [`${800 + number}`, propertyIds[number]]),
  );
  const account = { site: "madrid", kind: "lodgify", name: "Lodgify", key: "lodgify-key-of-a-year", places };
  sources.set("lodgify", (await asked("POST", "/api/booking-sources", { ...account, everyMinutes: 360 }, 201)).id);
  for (const { number, isLodgify, token } of properties) {
    if (isLodgify) continue;
    const key = `${calendarOrigins[0]}${feeds.open(token, number % 2 ? "airbnb" : "vrbo")}`;
    const calendar = { site: "york", kind: "ical", name: token, key, places: { calendar: propertyIds[number] } };
    sources.set(token, (await asked("POST", "/api/booking-sources", { ...calendar, everyMinutes: 720 }, 201)).id);
  }
}

async function end(): Promise<void> {
  await cloud.close();
  await store.close();
  await lodgify.stop();
  await feeds.stop();
}

async function asked(method: string, path: string, body?: object, status = 200) {
  clock.advance(20);
  const answer = await cloud.ask(method, path, body);
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.body;
}

// What happens in the world.

const guestOf = ({ number }: Stay) => `Guest ${number}`;
const addressOf = ({ number }: Stay) => `guest-${number}@example.org`;

function happen(planned: Planned, stays: readonly Stay[]): void {
  const { stay, change } = planned;
  const known = followed.get(stay);
  if (change.do !== "book" && !known) return;
  const wasAt = stay.property;
  // A calendar has no way to say that a guest has another flat, nor Lodgify that it is one of somebody else's.
  if (change.do === "move" && (!properties[change.to]!.isLodgify || !properties[wasAt]!.isLodgify)) return;
  if (!carryOut(stays, planned)) {
    if (change.do === "book") stay.isOff = true;
    return;
  }
  counts.changes += 1;
  const { isLodgify, token } = properties[stay.property]!;
  const { arrival, departure } = stay;
  if (!known) {
    const guest = { name: guestOf(stay), email: addressOf(stay), phone: null };
    const name = isLodgify
      ? `${lodgify.book({ property_id: 800 + stay.property, arrival, departure, guest, rooms: [] })}`
      : feeds.book(token, arrival, departure, { name: guestOf(stay), code: codeOf(stay) });
    counts.stays += 1;
    const one = { stay, name, seen: new Set<string>() };
    followed.set(stay, one);
    // Airbnb tells no name.
    for (const name of [guestOf(stay), codeOf(stay)]) byGuest.set(name, one);
    open.add(one);
    return;
  }
  if (isLodgify) {
    const id = Number(known.name);
    if (stay.isOff) lodgify.cancel(id);
    else
      lodgify.change(id, {
        property_id: 800 + stay.property,
        arrival,
        departure,
        status: "Booked",
        canceled_at: null,
      });
    return;
  }
  if (change.do === "cancel") feeds.remove(token, known.name);
  else if (change.do === "revive")
    known.name = feeds.book(token, arrival, departure, { name: guestOf(stay), code: codeOf(stay) });
  // Some platforms give a stay another name when its days change.
  else known.name = feeds.change(token, known.name, { start: arrival, end: departure });
}

const codeOf = ({ number }: Stay) => `HM${String(number).padStart(8, "A")}`;

/** Faults that come and go: [begins, ends, what it does, what ends it]. */
interface Fault {
  readonly from: number;
  readonly until: number;
  begin(): void;
  end(): void;
}

function planFaults(): Fault[] {
  const first = Date.parse(`${yearFrom}T00:00Z`);
  const faults: Fault[] = [];
  const add = (count: number, hoursMax: number, make: () => Pick<Fault, "begin" | "end">) => {
    for (let nth = 0; nth < count * share; nth += 1) {
      const from = first + random.int((days - 12) * 24) * hour + random.int(60) * minute;
      faults.push({ from, until: from + (1 + random.int(hoursMax)) * hour, ...make() });
    }
  };
  const html = { status: 200, html: "<html><body>Sign in</body></html>" };
  const answers = [
    { answer: { status: 500, json: { code: "Unknown", message: "oh" } } },
    { answer: { status: 429, headers: { "retry-after": "1" } } },
    { answer: { status: 200, json: { count: null, items: [] } } },
    { answer: { status: 200, json: { count: null, items: null } } },
    { answer: html },
    "garble",
    "cut",
  ] as const;
  const feedAnswers = [
    { answer: { status: 500 } },
    { answer: html },
    { answer: { status: 200, text: { type: "text/calendar", body: "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n" } } },
    "garble",
    "cut",
  ] as const;
  const many = { times: 1_000_000 };
  add(30, 30, () => {
    const what = random.pick(answers);
    return { begin: () => lodgify.trouble(what, many), end: () => lodgify.settle() };
  });
  add(30, 30, () => {
    const what = random.pick(feedAnswers);
    return { begin: () => feeds.trouble(what, many), end: () => feeds.settle() };
  });
  for (const site of ["madrid", "york"])
    add(12, 50, () => {
      const setTo = (isOnline: boolean) => () => {
        counts.cuts += isOnline ? 0 : 1;
        houses.get(site)!.isOnline = isOnline;
      };
      return { begin: setTo(false), end: setTo(true) };
    });
  for (const { keeps, site, door } of properties)
    if (keeps)
      add(6, 72, () => {
        const setTo = (isOnline: boolean) => () => {
          houses.get(site)!.lock(door).isOnline = isOnline;
        };
        return { begin: setTo(false), end: setTo(true) };
      });
  return faults.toSorted((a, b) => a.from - b.from);
}

// What is looked at.

const momentOf = (text: string, time: string, zone: string) =>
  Temporal.PlainDate.from(text).toZonedDateTime({ timeZone: zone, plainTime: time }).epochMilliseconds;
const windows = new Map<string, Validity>();
function windowOf({ property, arrival, departure }: Stay): Validity {
  const { zone } = properties[property]!;
  return windows.getOrInsertComputed(`${zone} ${arrival} ${departure}`, () => ({
    from: momentOf(arrival, "15:00", zone),
    until: momentOf(departure, "11:00", zone) + lateMinutes * minute,
  }));
}
const doorsOf = ({ property }: Stay) => {
  const { site, door } = properties[property]!;
  return [`street-${site}`, door];
};
const houseOf = ({ property }: Stay) => houses.get(properties[property]!.site)!;

async function rowOf({ booking }: Followed) {
  if (booking === undefined) return undefined;
  const [row] = await store.db.select().from(bookings).where(eq(bookings.id, booking));
  return row;
}

/** Was anybody told, and is it still so, two hours before? */
async function wasAlarmed(one: Followed, at: number): Promise<boolean> {
  const { isLodgify, token } = properties[one.stay.property]!;
  const about = [one.booking, sources.get(isLodgify ? "lodgify" : token)];
  const alarms = await store.db.select().from(stayAlarm);
  return alarms.some(
    (alarm) =>
      about.includes(alarm.about) &&
      alarm.raisedAt <= at - 2 * hour &&
      (alarm.endedAt === null || alarm.endedAt >= at - 2 * hour),
  );
}

/** What guests are told: the digits of their stay, which stay the same. */
async function noteDigits(): Promise<void> {
  const ahead = and(isNotNull(bookings.grantId), gt(bookings.endsAt, clock.wall()));
  for (const row of await store.db.select().from(bookings).where(ahead)) {
    const one = byGuest.get(row.guestName);
    if (!one || one.grant === row.grantId) continue;
    if (one.booking !== undefined && one.booking !== row.id)
      wrong.push(`${row.guestName} has a second booking ${row.id} beside ${one.booking}`);
    one.booking = row.id;
    one.grant = row.grantId!;
    const grant = await readGrant(store.db, row.siteId, row.grantId!);
    const seal = await cloud.parts.siteKeys.seal(store.db, row.siteId);
    const digits = grant && digitsOf(grant.row, seal)?.reveal();
    if (one.digits !== undefined && one.digits !== digits)
      wrong.push(`${row.guestName} was told ${one.digits}, and it is ${digits} now`);
    one.digits = digits;
  }
}

const isoAt = (at: number) => Temporal.Instant.fromEpochMilliseconds(at).toString();

async function lookAt(one: Followed, what: string, at: number): Promise<void> {
  const { stay, digits, seen } = one;
  seen.add(what);
  const { until } = windowOf(stay);
  const house = houseOf(stay);
  const opens = digits === undefined ? [] : doorsOf(stay).filter((door) => house.opens(door, digits));
  const who = `${guestOf(stay)} at flat ${stay.property}, ${isoAt(at)}`;
  if (what.startsWith("over")) {
    counts.ended += 1;
    if (opens.length === 0) return;
    // An earlier end than was known cannot be heard of by who is cut off, nor before the source is read and the owner asked.
    const isNews = stay.ends.some((end) => end > stay.departure);
    const isExcused = !house.isOnline || stay.changedAt > at - knownMs || (await wasAlarmed(one, at));
    if (isNews && isExcused) counts.endedLater += 1;
    else wrong.push(`${who}: the code opens ${opens} after it ended at ${isoAt(until)}`);
    return;
  }
  if (stay.isOff) return;
  const isIn = opens.length === doorsOf(stay).length;
  if (what.startsWith("probe")) counts.probes += 1;
  if (isIn) {
    if (!what.startsWith("probe")) counts.opened += 1;
  } else if (await wasAlarmed(one, at)) counts.alarmed += 1;
  else if (stay.changedAt > at - knownMs) counts.tooLate += 1;
  else {
    const row = await rowOf(one);
    wrong.push(`${who}, ${what}: opens ${opens}; ${JSON.stringify({ ...row, grantId: row?.grantId })}`);
  }
}

/** The moments of a stay that anybody looks at, as its plan is now. */
function momentsOf({ stay }: Followed): readonly (readonly [what: string, at: number])[] {
  const { from, until } = windowOf(stay);
  const third = (until - from) / 3;
  return [
    [`arrival ${stay.arrival}`, from + minute],
    [`probe 1 ${stay.arrival}`, Math.round(from + third)],
    [`probe 2 ${stay.departure}`, Math.round(until - third / 2)],
    [`over ${stay.departure}`, until + toleranceMs],
  ];
}

async function ownerDecides(): Promise<void> {
  const held = await store.db.select().from(bookings).where(isNotNull(bookings.held));
  for (const row of held) {
    const told = JSON.parse(row.held!) as { status: string; days: { arrival: string; departure: string } };
    const one = [...followed.values()].find(({ booking }) => booking === row.id);
    const { stay } = one ?? {};
    const isTrue =
      stay !== undefined &&
      (told.status === "cancelled") === stay.isOff &&
      (stay.isOff || (told.days.departure === stay.departure && told.days.arrival === stay.arrival));
    counts.decided += 1;
    await asked("POST", `/api/bookings/${row.id}/decide`, { agree: isTrue });
  }
}

async function restart(): Promise<void> {
  counts.restarts += 1;
  await cloud.close();
  cloud = await givenCloud(surroundings);
}

/** Gateways hear of news at once; whose line or lock is back looks by itself. */
let hasLineNews = false;
let pollAt = 0;

async function work(): Promise<void> {
  const { db } = store;
  const isDue = async (next: Promise<number | undefined>) => ((await next) ?? Number.POSITIVE_INFINITY) <= clock.wall();
  if (await isDue(nextReadAt(db))) await readAllDue(cloud.parts);
  const isPlanned = await isDue(nextLookAt(db));
  if (isPlanned) await provisionAllDue(cloud.parts);
  if (isPlanned || hasLineNews || clock.wall() >= pollAt) {
    for (const house of houses.values()) await house.work();
    hasLineNews = false;
    pollAt = clock.wall() + 12 * hour;
  }
  if (isPlanned) await noteDigits();
  if (await isDue(nextWatchAt(db))) await watchAllDue(cloud.parts);
  if (await isDue(nextMessageAt(db))) await tellAllDue(cloud.parts);
}

const eventsOf = (one: Followed) => momentsOf(one).filter(([what]) => !one.seen.has(what));

/** Those of whom there is anything left to see. */
const open = new Set<Followed>();

function untilNext(
  now: number,
  pending: readonly Planned[],
  begins: readonly Fault[],
  active: readonly Fault[],
): number {
  const coming = [...open].flatMap((one) => eventsOf(one).flatMap(([, at]) => (at > now ? [at] : [])));
  const planned = [pending[0]?.at, begins[0]?.from, ...active.map(({ until }) => until)];
  const next = Math.min(now + 3 * hour, ...coming, ...planned.filter((at) => at !== undefined));
  return Math.max(1, next - now);
}

function changeFaults(at: number, begins: Fault[], active: Set<Fault>): void {
  for (const fault of active)
    if (fault.until <= at) {
      fault.end();
      active.delete(fault);
      hasLineNews = true;
    }
  while (begins[0] && begins[0].from <= at) {
    const fault = begins.shift()!;
    counts.faults += 1;
    fault.begin();
    active.add(fault);
  }
}

async function lookAtDoors(at: number): Promise<void> {
  for (const one of open) {
    for (const [what, moment] of eventsOf(one)) if (moment <= at) await lookAt(one, what, at);
    if (at > windowOf(one.stay).until + 3 * day) open.delete(one);
  }
}

export interface YearResult {
  readonly counts: Readonly<typeof counts>;
  /** What was found that should not be: nothing, that is. */
  readonly wrong: readonly string[];
}

/** Once in a process. Throws when it did not count what makes it a year. */
export async function liveYear(): Promise<YearResult> {
  await begin();
  try {
    await goThrough();
  } finally {
    await end();
  }
  looksAtMails();
  assert.equal(counts.swept, 0, "the planner leaves nothing for the sweep");
  const [stayed, told] = [12 * perProperty * 0.85, 8 * perProperty * 0.85];
  if (wrong.length === 0)
    assert.ok(counts.stays >= stayed && counts.opened >= 0.8 * stayed && counts.mails >= told, JSON.stringify(counts));
  return { counts, wrong };
}

async function goThrough(): Promise<void> {
  const { stays, plan } = planYear(random, { from: yearFrom, properties: properties.length, perProperty });
  const [pending, begins, active] = [[...plan], planFaults(), new Set<Fault>()];
  const yearEnds = clock.wall() + days * day;
  let nextDay = clock.wall() + day;
  let nextOwner = clock.wall() + 6 * hour;
  while (clock.wall() < yearEnds && wrong.length < 20) {
    clock.advance(untilNext(clock.wall(), pending, begins, [...active]));
    const at = clock.wall();
    changeFaults(at, begins, active);
    // Doors go by their own clocks: before anybody does anything.
    await lookAtDoors(at);
    while (pending[0] && pending[0].at <= at) happen(pending.shift()!, stays);
    if (random.chance(1 / 60)) await restart();
    await work();
    if (at >= nextOwner) {
      nextOwner = at + (2 + random.int(8)) * hour;
      await ownerDecides();
    }
    if (at >= nextDay) {
      nextDay = at + day;
      counts.swept += await sweepOnce(cloud.parts);
      await cleanOnce(cloud.parts);
    }
  }
}

/** Nobody was told twice, or of digits that are not theirs. */
function looksAtMails(): void {
  const seen = new Set<string>();
  for (const { to, subject, text } of mail.mails) {
    counts.mails += 1;
    const said = `${to} ${subject} ${text.reveal()}`;
    if (seen.has(said)) wrong.push(`twice: ${said}`);
    seen.add(said);
    const one = [...followed.values()].find(({ stay }) => to === addressOf(stay));
    const digits = /\b\d{6}\b/.exec(text.reveal())?.[0];
    if (digits !== undefined && digits !== one?.digits) wrong.push(`not their digits: ${said}`);
  }
}
