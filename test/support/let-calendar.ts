/** What really happens at properties that are let over a year: who comes when, and how plans change. Made from a seed before anything runs. */
import type { Random } from "./random.ts";

/** Days "2031-03-04". */
export interface Stay {
  readonly number: number;
  property: number;
  arrival: string;
  departure: string;
  isOff: boolean;
  /** Of the last change. */
  changedAt: number;
  /** All ends it was ever to have; a code that follows slowly may work until then. */
  readonly ends: string[];
}

export type Change =
  | { readonly do: "book" }
  | { readonly do: "cancel" }
  /** The platform called it off by mistake, and takes that back. */
  | { readonly do: "revive" }
  | { readonly do: "extend" | "shorten" | "postpone"; readonly days: number }
  | { readonly do: "move"; readonly to: number };

export interface Planned {
  readonly at: number;
  readonly stay: Stay;
  readonly change: Change;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const day = (text: string) => Temporal.PlainDate.from(text);
const isFree = (stays: readonly Stay[], one: Stay, property: number, arrival: string, departure: string) =>
  stays.every(
    (other) => other === one || other.property !== property || other.departure <= arrival || departure <= other.arrival,
  );

/** `perProperty`: stays of each, one after the other, many on the day the one before leaves. */
export function planYear(
  random: Random,
  { from, properties, perProperty }: { from: string; properties: number; perProperty: number },
): { readonly stays: readonly Stay[]; readonly plan: readonly Planned[] } {
  const stays: Stay[] = [];
  for (let property = 0; property < properties; property += 1) {
    let arrival = day(from).add({ days: 1 + random.int(4) });
    for (let nth = 0; nth < perProperty; nth += 1) {
      const departure = arrival.add({ days: 1 + random.int(5) });
      stays.push({
        number: stays.length,
        property,
        arrival: `${arrival}`,
        departure: `${departure}`,
        isOff: false,
        changedAt: 0,
        ends: [`${departure}`],
      });
      arrival = departure.add({ days: random.chance(0.4) ? 0 : random.int(4) });
    }
  }
  const begin = day(from).toZonedDateTime("UTC").epochMilliseconds;
  const plan = stays.flatMap((stay): Planned[] => {
    const arrivesAt = day(stay.arrival).toZonedDateTime("UTC").epochMilliseconds + 14 * hourMs;
    const leadMs = random.chance(0.05) ? (3 + random.int(40)) * hourMs : (3 + random.int(90)) * dayMs;
    const bookedAt = Math.max(begin + hourMs, arrivesAt - leadMs);
    const before = (share: number) => bookedAt + (arrivesAt - bookedAt) * share;
    const booked: Planned = { at: bookedAt, stay, change: { do: "book" } };
    const later = (at: number, change: Change): Planned => ({ at: Math.round(at), stay, change });
    const some = random.next();
    if (some < 0.08) return [booked, later(before(random.next()), { do: "cancel" })];
    if (some < 0.11) {
      const at = before(random.next() * 0.8);
      return [booked, later(at, { do: "cancel" }), later(at + 5 * hourMs, { do: "revive" })];
    }
    if (some < 0.17) return [booked, later(before(random.next()), { do: "extend", days: 1 + random.int(2) })];
    // In the house.
    if (some < 0.22) return [booked, later(arrivesAt + 6 * hourMs, { do: "extend", days: 1 })];
    if (some < 0.26) return [booked, later(arrivesAt + 6 * hourMs, { do: "shorten", days: 1 })];
    if (some < 0.32) return [booked, later(before(random.next()), { do: "postpone", days: 1 + random.int(3) })];
    if (some < 0.36) return [booked, later(before(random.next()), { do: "move", to: random.int(properties) })];
    return [booked];
  });
  return { stays, plan: plan.toSorted((a, b) => a.at - b.at) };
}

/** Carries out a change where the calendar has room for it. false: it did not happen. */
export function carryOut(stays: readonly Stay[], { stay, change, at }: Planned): boolean {
  const { property, arrival, departure } = stay;
  const wanted = { property, arrival, departure, isOff: stay.isOff };
  switch (change.do) {
    case "book":
      break;
    case "cancel":
      wanted.isOff = true;
      break;
    case "revive":
      wanted.isOff = false;
      break;
    case "extend":
      wanted.departure = `${day(departure).add({ days: change.days })}`;
      break;
    case "shorten":
      wanted.departure = `${day(departure).subtract({ days: change.days })}`;
      break;
    case "postpone":
      wanted.arrival = `${day(arrival).add({ days: change.days })}`;
      wanted.departure = `${day(departure).add({ days: change.days })}`;
      break;
    case "move":
      wanted.property = change.to;
  }
  if (wanted.arrival >= wanted.departure) return false;
  if (!isFree(stays, stay, wanted.property, wanted.arrival, wanted.departure)) return false;
  if (!stay.ends.includes(wanted.departure)) stay.ends.push(wanted.departure);
  Object.assign(stay, wanted, { changedAt: at });
  return true;
}
