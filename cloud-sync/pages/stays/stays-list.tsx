/** The list of stays, as they end, and the month of each property. */
import { reachOf } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { query } from "../own-api.ts";
import type { PageBook, PageContext } from "../page-book.tsx";
import { Select } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { Empty, Notice, Table, Tag } from "../parts/show.tsx";
import { listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { Month, monthStyle, todayId } from "./month.tsx";
import {
  codeStand,
  listProperties,
  type SeenBooking,
  type SeenProperty,
  standTones,
  statusTones,
} from "./stay-shapes.ts";

export function addStaysList(book: PageBook): void {
  book.get("/stays", "stays.read", async (c, visit) => c.html(await staysPage(c, visit)));

  book.get("/stays/month", "stays.read", async (c, visit) => c.html(await monthPage(c, visit, book.now())));
}

const mayTell = ({ actor }: Visit) => reachOf(actor!, "stays.change") !== undefined;

function Head({ visit, at }: { visit: Visit; at: "list" | "month" }) {
  const { stays } = visit.words;
  return (
    <>
      <div class="head">
        <h1>{stays.title}</h1>
        {mayTell(visit) && (
          <a class="button" href="/stays/new">
            {stays.tell}
          </a>
        )}
      </div>
      <p>{stays.lead}</p>
      <p>
        {at === "list" ? <a href={`/stays/month#${todayId}`}>{stays.byMonth}</a> : <a href="/stays">{stays.asList}</a>}
      </p>
    </>
  );
}

async function staysPage(c: PageContext, visit: Visit) {
  const { words, api } = visit;
  const filter = { site: c.req.query("site"), property: c.req.query("property"), after: c.req.query("after") };
  const [sites, properties] = [await listSites(visit), await listProperties(visit)];
  const { items, next } = await api.get<{ items: readonly SeenBooking[]; next: string | null }>(
    `/api/bookings${query(filter)}`,
  );
  return (
    <Frame visit={visit} title={words.stays.title} at="/stays">
      <Head visit={visit} at="list" />
      {c.req.query("done") === "cancelled" && <Notice>{words.stays.cancelled}</Notice>}
      {properties.length > 1 && <PropertyFilter filter={filter} properties={properties} visit={visit} />}
      {items.length > 0 ? (
        <StaysTable items={items} sites={sites} properties={properties} visit={visit} />
      ) : filter.property ? (
        <p role="status">{words.stays.nothingFound}</p>
      ) : (
        <Empty title={words.stays.empty} text={words.stays.emptyText} />
      )}
      {next && <a href={`/stays${query({ ...filter, after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

function PropertyFilter({
  filter,
  properties,
  visit: { words },
}: {
  filter: { readonly property: string | undefined };
  properties: readonly SeenProperty[];
  visit: Visit;
}) {
  const choices = properties.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <form class="filter" action="/stays">
      <Select
        name="property"
        label={words.stays.property}
        words={words}
        value={filter.property}
        choices={[{ value: "", label: words.common.all }, ...choices]}
      />
      <button type="submit">{words.common.show}</button>
    </form>
  );
}

interface TableProps {
  readonly items: readonly SeenBooking[];
  readonly sites: readonly SeenSite[];
  readonly properties: readonly SeenProperty[];
  readonly visit: Visit;
}

function StaysTable({ items, sites, properties, visit }: TableProps) {
  const { words, lang } = visit;
  const { stays } = words;
  const zoneOf = ({ site }: SeenBooking) => knownZone(sites.find(({ id }) => id === site)?.zone);
  const nameOf = new Map(properties.map(({ id, name }) => [id, name]));
  return (
    <Table
      caption={stays.title}
      rows={items}
      columns={[
        { head: stays.guest, cell: ({ id, guest }) => <a href={`/stays/${id}`}>{guest.name}</a> },
        { head: stays.property, cell: ({ property }) => nameOf.get(property) ?? property },
        { head: stays.from, cell: (stay) => <Moment iso={stay.code.from} zone={zoneOf(stay)} lang={lang} /> },
        { head: stays.until, cell: (stay) => <Moment iso={stay.code.until} zone={zoneOf(stay)} lang={lang} /> },
        {
          head: words.common.state,
          cell: ({ status, held }) => (
            <>
              <Tag tone={statusTones[status]}>{stays.statuses[status]}</Tag>{" "}
              {held && <Tag tone="warn">{stays.waitsForYou}</Tag>}
            </>
          ),
        },
        {
          head: stays.code,
          cell: (stay) => <Tag tone={standTones[codeStand(stay)]}>{stays.stands[codeStand(stay)]}</Tag>,
        },
      ]}
    />
  );
}

/** 4,000 bookings that touch one month. */
const monthPagesMax = 20;
const monthText = /^\d{4}-(0[1-9]|1[0-2])$/;

async function monthPage(c: PageContext, visit: Visit, now: number) {
  const { words, api } = visit;
  const [sites, properties] = [await listSites(visit), await listProperties(visit)];
  const zoneOf = (site: string | undefined) => knownZone(sites.find(({ id }) => id === site)?.zone);
  const wanted = c.req.query("month") ?? "";
  const today = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zoneOf(sites[0]?.id)).toPlainDate();
  const month = monthText.test(wanted) ? Temporal.PlainYearMonth.from(wanted) : today.toPlainYearMonth();
  const begins = month.toPlainDate({ day: 1 });
  // A day more at both ends: the month begins at one site when it has not at another.
  const bounds = { from: begins.subtract({ days: 1 }), until: begins.add({ months: 1, days: 1 }) };
  const moment = (day: Temporal.PlainDate) => day.toZonedDateTime("UTC").toInstant().toString();
  const asked = { from: moment(bounds.from), until: moment(bounds.until), limit: 200 };
  const items: SeenBooking[] = [];
  let after: string | undefined;
  for (let page = 0; page < monthPagesMax; page += 1) {
    const { items: some, next } = await api.get<{ items: readonly SeenBooking[]; next: string | null }>(
      `/api/bookings${query({ ...asked, after })}`,
    );
    items.push(...some);
    if (next === null) break;
    after = next;
  }
  return (
    <Frame visit={visit} title={words.stays.title} at="/stays" styles={[monthStyle.url]}>
      <Head visit={visit} at="month" />
      <Month
        visit={visit}
        month={month}
        today={today}
        zoneOf={zoneOf}
        properties={properties.filter(({ closedAt }) => closedAt === null)}
        stays={items.filter(({ status }) => status !== "cancelled")}
      />
    </Frame>
  );
}
