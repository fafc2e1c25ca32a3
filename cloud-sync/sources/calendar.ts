/** Reads a calendar (RFC 5545) of stays: a day is a day, in no zone, and whatever has the shape of no whole calendar is refused in words. */
import ICAL from "ical.js";
import { hourIn, meaningOf } from "../domain/calendar-event.ts";
import type { BookingStatus, StayDays } from "../domain/stay-planner.ts";
import { type Reading, type SourceBooking, SourceError } from "./booking-source.ts";

export interface CalendarRules {
  /** IANA, of the site: moments are turned into its days. */
  readonly zone: string;
  readonly closedIsStay: boolean;
  /** The hours that the calendar names are when the stay begins and ends; else the property's are. */
  readonly hoursFromCalendar: boolean;
}

/** Of what is booked in a calendar there is one alone. */
export const calendarPlace = "calendar";

const eventsMax = 5_000;
/** Without its folds; the parser takes a square of its parameters' time. */
const lineLengthMax = 64 * 1024;

/** As ical.js hands over what it parsed. */
type Property = readonly [name: string, parameters: Readonly<Record<string, unknown>>, type: string, value: unknown];
type Component = readonly [name: string, properties: readonly Property[], inner: readonly Component[]];

export interface Calendar extends Reading {
  readonly bookings: readonly SourceBooking[];
  readonly alsoThere: readonly string[];
  /** What it calls itself. */
  readonly name: string | null;
}

/** Throws a SourceError when it is no calendar, or not all of it. */
export function readCalendar(text: string, rules: CalendarRules): Calendar {
  const calendars = parsed(text);
  const events = calendars.flatMap(([, , inner]) => inner.filter(([name]) => name === "vevent"));
  const known = Map.groupBy(events, (event) => textOf(event, "uid"));
  const bookings: SourceBooking[] = [];
  const alsoThere: string[] = [];
  for (const event of events) {
    const uid = textOf(event, "uid").slice(0, 200);
    const told = toBooking(event, uid, (known.get(textOf(event, "uid"))?.length ?? 0) > 1, rules);
    if (told) bookings.push(told);
    else if (uid !== "") alsoThere.push(uid);
  }
  const name = calendars.map((one) => textOf(one, "x-wr-calname").slice(0, 200)).find((one) => one !== "") ?? null;
  return { bookings: withoutRepeats(bookings), alsoThere, name };
}

function parsed(text: string): Component[] {
  const whole = text.trim();
  if (whole === "") throw broken("an empty answer came");
  if (/^<(?:!doctype|html|\?xml|head|body)/i.test(whole))
    throw new SourceError("Calendar: this is a web page, not a calendar; copy the export address", { retry: false });
  if (!/^BEGIN:VCALENDAR\s/i.test(whole))
    throw new SourceError("Calendar: what came is no calendar; copy the export address", { retry: false });
  if (!/\nEND:VCALENDAR$/i.test(whole)) throw broken("what came is not whole");
  const unfolded = whole.replaceAll(/\r?\n[ \t]/g, "");
  if ((unfolded.match(/^BEGIN:VEVENT/gim)?.length ?? 0) > eventsMax)
    throw new SourceError(`Calendar: more than ${eventsMax} events`, { retry: false });
  if (unfolded.split("\n").some((line) => line.length > lineLengthMax)) throw broken("it has a line without an end");
  try {
    const found = ICAL.parse(unfolded) as unknown[];
    return (typeof found[0] === "string" ? [found] : found) as unknown as Component[];
  } catch (cause) {
    throw new SourceError("Calendar: what came is no whole calendar", { retry: true, cause });
  }
}

const broken = (why: string) => new SourceError(`Calendar: ${why}`, { retry: true });

function toBooking(
  event: Component,
  uid: string,
  isRepeatedUid: boolean,
  rules: CalendarRules,
): SourceBooking | undefined {
  const [, properties] = event;
  if (properties.some(([name]) => name === "rrule" || name === "recurrence-id")) return undefined;
  const description = textOf(event, "description", "\n");
  const days = daysOf(event, description, rules);
  if (!days) return undefined;
  const nights = Temporal.PlainDate.from(days.arrival).until(days.departure).days;
  const text = { uid, summary: textOf(event, "summary"), description, url: textOf(event, "url"), nights };
  const meaning = meaningOf(text, rules);
  if (nights < 1 || meaning.is === "nothing") return undefined;
  const { guest, code, mayBeBlock } = meaning;
  const ownUid = uid === "" || isRepeatedUid ? `${uid}/${days.arrival}` : uid;
  return {
    externalId: code ?? ownUid,
    code,
    uid: ownUid,
    places: [calendarPlace],
    status: statusOf(textOf(event, "status")),
    days,
    guest,
    mayBeBlock,
  };
}

/** What is told twice in the same words is one. */
function withoutRepeats(bookings: readonly SourceBooking[]): SourceBooking[] {
  const isLike = ({ code, uid, days, guest }: SourceBooking) =>
    code ?? JSON.stringify([guest.name, days.arrival, days.departure, guest.phone, uid?.split("/")[0]]);
  return [...new Map(bookings.map((one) => [isLike(one), one])).values()];
}

function statusOf(status: string): BookingStatus | undefined {
  switch (status.toUpperCase()) {
    case "":
    case "CONFIRMED":
      return "confirmed";
    case "TENTATIVE":
      return "tentative";
    case "CANCELLED":
      return "cancelled";
    default:
      return undefined;
  }
}

/** undefined: it says no days that there are. */
function daysOf(
  event: Component,
  description: string,
  { zone, hoursFromCalendar }: CalendarRules,
): StayDays | undefined {
  try {
    const starts = momentOf(propertyOf(event, "dtstart"), zone);
    if (!starts) return undefined;
    const duration = propertyOf(event, "duration");
    const ends =
      momentOf(propertyOf(event, "dtend"), zone) ??
      (duration ? starts.add(Temporal.Duration.from(String(duration[3]))) : starts.add({ days: 1 }));
    const isDay = propertyOf(event, "dtstart")?.[2] === "date";
    const hour = (moment: Temporal.PlainDateTime) =>
      isDay || !hoursFromCalendar ? null : moment.toPlainTime().toString({ smallestUnit: "minute" });
    return {
      arrival: starts.toPlainDate().toString(),
      departure: ends.toPlainDate().toString(),
      checkIn: hour(starts) ?? (hoursFromCalendar ? hourIn(description, "in") : null),
      checkOut: hour(ends) ?? (hoursFromCalendar ? hourIn(description, "out") : null),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** By the site's wall clock. A day is its first moment; a zone that nobody knows is the site's. Throws a RangeError. */
function momentOf(property: Property | undefined, zone: string): Temporal.PlainDateTime | undefined {
  if (!property) return undefined;
  const [, { tzid }, type, value] = property;
  const text = String(value);
  if (type === "date") return Temporal.PlainDate.from(text).toPlainDateTime();
  if (text.endsWith("Z")) return Temporal.Instant.from(text).toZonedDateTimeISO(zone).toPlainDateTime();
  const wall = Temporal.PlainDateTime.from(text);
  if (typeof tzid !== "string" || !isZone(tzid)) return wall;
  return wall.toZonedDateTime(tzid).withTimeZone(zone).toPlainDateTime();
}

function isZone(name: string): boolean {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name) !== undefined;
  } catch {
    return false;
  }
}

function propertyOf([, properties]: Component, name: string): Property | undefined {
  return properties.find(([one]) => one === name);
}

/** Without characters that cannot be printed; "" where there is none. */
function textOf(component: Component, name: string, line = " "): string {
  const value = propertyOf(component, name)?.[3];
  const text = typeof value === "string" ? value : "";
  return text
    .replaceAll(/\r?\n|\r/g, line)
    .replaceAll(/[^\P{C}\n]/gu, "")
    .trim();
}
