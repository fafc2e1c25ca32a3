/** How the gates of a site are used: entries a day, the busiest hours, kinds, refusals, guards. Drawn here, so that no script is needed. */
import type { DenyReason } from "../../gateway/domain/decide.ts";
import { denialTexts } from "../../gateway/domain/denial-text.ts";
import type { Numbers } from "../store/numbers.ts";
import { Frame } from "./frame.tsx";
import { NoSite } from "./grants.tsx";
import { query } from "./own-api.ts";
import type { PageBook } from "./page-book.tsx";
import { Field } from "./parts/form.tsx";
import { knownZone } from "./parts/moments.tsx";
import { Empty, Table } from "./parts/show.tsx";
import { chosenSite, SiteChoice } from "./parts/site-choice.tsx";
import { kindName } from "./passes/kinds.ts";
import { listSites, type SeenSite, sitePath } from "./sites.tsx";
import type { Visit } from "./visit.ts";
import type { Words } from "./words/words.ts";

interface SeenNumbers extends Omit<Numbers, "guards"> {
  readonly from: string;
  readonly until: string;
  readonly guards: readonly (Numbers["guards"][number] & { readonly name: string | null })[];
}

export function addNumberPages(book: PageBook): void {
  book.get("/numbers", "numbers.read", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    if (!site) return c.html(<NoSite visit={visit} />);
    const asked = { from: c.req.query("from") || undefined, until: c.req.query("until") || undefined };
    const found = await visit.api.get<SeenNumbers>(`${sitePath(site.id)}/numbers${query(asked)}`);
    return c.html(<NumbersPage visit={visit} sites={sites} site={site} found={found} />);
  });
}

interface PageProps {
  readonly visit: Visit;
  readonly sites: readonly SeenSite[];
  readonly site: SeenSite;
  readonly found: SeenNumbers;
}

function NumbersPage({ visit, sites, site, found }: PageProps) {
  const { words } = visit;
  const { numbers } = words;
  const { from, until } = found;
  return (
    <Frame visit={visit} title={numbers.title} at="/numbers">
      <h1>{numbers.title}</h1>
      <p>
        {numbers.lead} <small>{words.common.timesIn(knownZone(site.zone))}</small>
      </p>
      <form class="filter" action="/numbers">
        {sites.length > 1 && <SiteChoice sites={sites} site={site} words={words} />}
        <Field name="from" type="date" label={numbers.from} words={words} value={from} />
        <Field name="until" type="date" label={numbers.until} words={words} value={until} />
        <button type="submit">{words.common.show}</button>
      </form>
      {found.entries + found.refused === 0 ? (
        <Empty title={numbers.empty} text={numbers.emptyText} />
      ) : (
        <>
          <Totals words={words} found={found} />
          <Days words={words} found={found} />
          <Hours words={words} found={found} />
          <Lists visit={visit} found={found} />
          <p>
            <a
              href={`/api/sites/${encodeURIComponent(site.id)}/numbers.csv${query({ from, until })}`}
              download="numbers.csv"
            >
              {numbers.csv}
            </a>
          </p>
        </>
      )}
    </Frame>
  );
}

interface PartProps {
  readonly words: Words;
  readonly found: SeenNumbers;
}

function Totals({ words: { numbers }, found }: PartProps) {
  const { entries, refused, waitMedianMs, waitP90Ms, residents } = found;
  const seconds = (ms: number) => numbers.seconds((ms / 1_000).toFixed(1));
  return (
    <dl class="totals">
      <div>
        <dt>{numbers.entries}</dt>
        <dd>{entries}</dd>
      </div>
      <div>
        <dt>{numbers.refused}</dt>
        <dd>
          {refused} <small>{numbers.rate(Math.round((100 * refused) / (entries + refused)))}</small>
        </dd>
      </div>
      <div>
        <dt>{numbers.wait}</dt>
        <dd>
          {waitMedianMs === null || waitP90Ms === null
            ? numbers.notMeasured
            : numbers.waitText(seconds(waitMedianMs), seconds(waitP90Ms))}
        </dd>
      </div>
      <div>
        <dt>{numbers.residents}</dt>
        <dd>{numbers.residentsText(residents.inviting, residents.all)}</dd>
      </div>
    </dl>
  );
}

const barHeight = 120;
const barWidth = 12;

/** A bar a day, those without visits too; the same as tables by week and month below it. */
function Days({ words: { numbers }, found }: PartProps) {
  const counted = new Map(found.days.map((one) => [one.day, one.entries]));
  const days = daysBetween(found.from, found.until).map((day) => ({ day, entries: counted.get(day) ?? 0 }));
  const most = Math.max(1, ...days.map(({ entries }) => entries));
  const width = days.length * barWidth;
  return (
    <section>
      <h2>{numbers.perDay}</h2>
      <figure class="bars">
        <svg
          class="bar-chart"
          viewBox={`0 0 ${width} ${barHeight}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={numbers.perDay}
        >
          {days.map(({ day, entries }, index) => {
            const height = (entries / most) * barHeight;
            return (
              <rect x={index * barWidth + 1} y={barHeight - height} width={barWidth - 2} height={height}>
                <title>{`${day}: ${entries}`}</title>
              </rect>
            );
          })}
        </svg>
        <figcaption>
          <span>{found.from}</span>
          <span>{found.until}</span>
        </figcaption>
      </figure>
      <details>
        <summary>{numbers.perWeek}</summary>
        <Sums head={numbers.week} entries={numbers.entries} rows={summed(days, weekOf)} />
      </details>
      <details>
        <summary>{numbers.perMonth}</summary>
        <Sums head={numbers.month} entries={numbers.entries} rows={summed(days, (day) => day.slice(0, 7))} />
      </details>
    </section>
  );
}

interface SumsProps {
  readonly head: string;
  readonly entries: string;
  readonly rows: readonly (readonly [string, number])[];
}

function Sums({ head, entries, rows }: SumsProps) {
  return (
    <Table
      caption={head}
      rows={rows}
      columns={[
        { head, cell: ([name]) => name },
        { head: entries, cell: ([, count]) => count },
      ]}
    />
  );
}

function daysBetween(from: string, until: string): string[] {
  const days: string[] = [];
  const last = Temporal.PlainDate.from(until);
  for (let day = Temporal.PlainDate.from(from); Temporal.PlainDate.compare(day, last) <= 0; day = day.add({ days: 1 }))
    days.push(day.toString());
  return days;
}

/** Its Monday. */
function weekOf(day: string): string {
  const date = Temporal.PlainDate.from(day);
  return date.subtract({ days: date.dayOfWeek - 1 }).toString();
}

function summed(
  days: readonly { readonly day: string; readonly entries: number }[],
  of: (day: string) => string,
): [string, number][] {
  const sums = new Map<string, number>();
  for (const { day, entries } of days) sums.set(of(day), (sums.get(of(day)) ?? 0) + entries);
  return [...sums];
}

const shades = 5;
const hoursOfDay = [...Array(24).keys()];

/** A row an hour, a column a weekday. Darker is more; the number stands in each cell. */
function Hours({ words: { numbers }, found }: PartProps) {
  const counted = new Map(found.hours.map(({ weekday, hour, entries }) => [`${weekday} ${hour}`, entries]));
  const most = Math.max(1, ...counted.values());
  return (
    <section>
      <h2>{numbers.perHour}</h2>
      <div class="overflow-auto">
        <table class="heat">
          <caption>{numbers.perHour}</caption>
          <thead>
            <tr>
              <th scope="col">{numbers.hour}</th>
              {numbers.weekdays.map((name) => (
                <th scope="col">
                  <abbr title={name}>{name.slice(0, 2)}</abbr>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {hoursOfDay.map((hour) => (
              <tr>
                <th scope="row">{String(hour).padStart(2, "0")}</th>
                {numbers.weekdays.map((_, day) => {
                  const entries = counted.get(`${day + 1} ${hour}`) ?? 0;
                  return <td data-shade={Math.ceil((entries / most) * shades)}>{entries || ""}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Lists({ visit: { words, lang }, found }: { readonly visit: Visit; readonly found: SeenNumbers }) {
  const { numbers } = words;
  const seconds = (ms: number | null) => (ms === null ? numbers.notMeasured : numbers.seconds((ms / 1_000).toFixed(1)));
  const typeName = (type: string | null) =>
    type === null ? numbers.unknown : type === "walk-in" ? numbers.walkIn : kindName(type, words);
  const reasonName = (reason: string) =>
    reason === "TURNED_AWAY" ? numbers.byGuard : (denialTexts[reason as DenyReason]?.[lang] ?? reason);
  return (
    <>
      {found.types.length > 0 && (
        <Table
          caption={numbers.types}
          rows={found.types}
          columns={[
            { head: words.common.what, cell: ({ type }) => typeName(type) },
            { head: numbers.entries, cell: ({ entries }) => entries },
          ]}
        />
      )}
      {found.reasons.length > 0 && (
        <Table
          caption={numbers.reasons}
          rows={found.reasons}
          columns={[
            { head: words.events.why, cell: ({ reason }) => reasonName(reason) },
            { head: numbers.refused, cell: ({ refused }) => refused },
          ]}
        />
      )}
      <Table
        caption={numbers.guards}
        rows={found.guards}
        columns={[
          { head: words.common.who, cell: ({ name, guard }) => name ?? guard ?? numbers.nobody },
          { head: numbers.entries, cell: ({ entries }) => entries },
          { head: numbers.refused, cell: ({ refused }) => refused },
          { head: numbers.wait, cell: ({ waitMedianMs }) => seconds(waitMedianMs) },
        ]}
      />
    </>
  );
}
