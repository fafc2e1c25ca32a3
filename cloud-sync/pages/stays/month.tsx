/** A month of all properties: a row each, a cell for each day or, where somebody stays, for all nights of the stay. */
import { asset } from "../../../web/assets.ts";
import { monthName } from "../parts/moments.tsx";
import { Tag } from "../parts/show.tsx";
import type { Visit } from "../visit.ts";
import { codeStand, type SeenBooking, type SeenProperty, standTones } from "./stay-shapes.ts";

/** Of this page alone: guests' phones load what all pages share. */
export const monthStyle = asset(import.meta.resolve("../assets/month.css"));

/** Where a phone's view of the month begins. */
export const todayId = "today";

interface MonthProps {
  readonly visit: Visit;
  readonly month: Temporal.PlainYearMonth;
  readonly today: Temporal.PlainDate;
  /** IANA, by the site: of stays that were booked from a moment to a moment. */
  readonly zoneOf: (site: string) => string;
  readonly properties: readonly SeenProperty[];
  readonly stays: readonly SeenBooking[];
}

export function Month({ visit, month, today, zoneOf, properties, stays }: MonthProps) {
  const { words, lang } = visit;
  const days = Array.from({ length: month.daysInMonth }, (_, index) => index + 1);
  return (
    <>
      <div class="row">
        <a href={`/stays/month?month=${month.subtract({ months: 1 })}`}>← {words.stays.monthBefore}</a>
        <strong>{monthName(month.toPlainDate({ day: 1 }), lang)}</strong>
        <a href={`/stays/month?month=${month.add({ months: 1 })}`}>{words.stays.monthAfter} →</a>
      </div>
      {/* Wider than a phone: it is moved sideways, also by keys. */}
      <section class="month" aria-label={words.stays.byMonth} tabindex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">{words.stays.property}</th>
              {days.map((day) => (
                <th scope="col" id={month.toPlainDate({ day }).equals(today) ? todayId : undefined}>
                  {day}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {properties.map((property) => {
              const theirs = stays.filter((stay) => stay.property === property.id);
              return rowsOf(theirs, month, zoneOf(property.site)).map((cells, index) => (
                <tr>
                  <th scope="row">{index > 0 && cells.some(isInTheWay) ? words.stays.bookedTwice : property.name}</th>
                  {cells.map(({ nights, stay }) => (
                    <td colspan={nights} class={stay && standTones[codeStand(stay)]}>
                      {stay && (
                        <a href={`/stays/${stay.id}`} title={words.stays.stands[codeStand(stay)]}>
                          {stay.guest.name}
                        </a>
                      )}
                    </td>
                  ))}
                </tr>
              ));
            })}
          </tbody>
        </table>
      </section>
      <p>
        {(["ready", "later", "waiting", "problem"] as const).map((stand) => (
          <>
            <Tag tone={standTones[stand]}>{words.stays.stands[stand]}</Tag>{" "}
          </>
        ))}
      </p>
    </>
  );
}

/** Members of a hub share a room. */
const isInTheWay = ({ stay }: Cell) => stay?.isBookedTwice === true;

interface Cell {
  readonly nights: number;
  readonly stay?: SeenBooking;
}

/** One row where no two stays share a night, else as many as it takes. */
export function rowsOf(
  stays: readonly SeenBooking[],
  month: Temporal.PlainYearMonth,
  zone: string,
): readonly (readonly Cell[])[] {
  const dayOf = (moment: string) => `${Temporal.Instant.from(moment).toZonedDateTimeISO(zone).toPlainDate()}`;
  const begins = month.toPlainDate({ day: 1 });
  const nightOf = (day: string) => begins.until(Temporal.PlainDate.from(day), { largestUnit: "days" }).days;
  const spans = stays
    .map((stay) => {
      const from = nightOf(stay.arrival ?? dayOf(stay.begins));
      const until = nightOf(stay.departure ?? dayOf(stay.ends));
      return { stay, from: Math.max(0, from), until: Math.min(month.daysInMonth, Math.max(until, from + 1)) };
    })
    .filter(({ from, until }) => from < until)
    .toSorted((a, b) => a.from - b.from);
  const rows: (typeof spans)[] = [];
  for (const span of spans) {
    const row = rows.find((one) => one.at(-1)!.until <= span.from);
    if (row) row.push(span);
    else rows.push([span]);
  }
  if (rows.length === 0) rows.push([]);
  return rows.map((row) => {
    const cells: Cell[] = [];
    let night = 0;
    for (const { stay, from, until } of row) {
      for (; night < from; night += 1) cells.push({ nights: 1 });
      cells.push({ nights: until - from, stay });
      night = until;
    }
    for (; night < month.daysInMonth; night += 1) cells.push({ nights: 1 });
    return cells;
  });
}
