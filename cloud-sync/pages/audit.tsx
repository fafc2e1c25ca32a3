/** The audit trail: who changed what, when, from where; filtered, and as a file for a spreadsheet. */
import { Frame } from "./frame.tsx";
import { query } from "./own-api.ts";
import type { PageBook, PageContext } from "./page-book.tsx";
import { Field, Select } from "./parts/form.tsx";
import { knownZone, Moment } from "./parts/moments.tsx";
import { Empty, Table } from "./parts/show.tsx";
import { namesOf } from "./people-names.ts";
import { listSites, type SeenSite } from "./sites.tsx";
import type { Visit } from "./visit.ts";
import type { Words } from "./words/words.ts";

type Facts = Readonly<Record<string, unknown>>;

interface SeenEntry {
  readonly site: string | null;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly thing: string;
  readonly before: Facts | null;
  readonly after: Facts | null;
  readonly from: { readonly address: string };
}

export function addAuditPages(book: PageBook): void {
  book.get("/audit", "audit.read", async (c, visit) => c.html(await auditPage(c, visit, await listSites(visit))));
}

function filterOf(c: PageContext, zone: string) {
  const day = (name: string, after: number) => dayStart(c.req.query(name) ?? "", zone, after);
  return {
    site: c.req.query("site"),
    action: c.req.query("action"),
    thing: c.req.query("thing"),
    from: day("from", 0),
    // The last day counts whole.
    until: day("until", 1),
  };
}

/** The moment a day begins, `after` days later; undefined: no day. */
function dayStart(text: string, zone: string, after: number): string | undefined {
  try {
    return Temporal.PlainDate.from(text).add({ days: after }).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return undefined;
  }
}

async function auditPage(c: PageContext, visit: Visit, sites: readonly SeenSite[]) {
  const { words, lang, api } = visit;
  const { audit } = words;
  const zone = knownZone((sites.find(({ id }) => id === c.req.query("site")) ?? sites[0])?.zone);
  const nameOf = await namesOf(visit);
  const filter = { ...filterOf(c, zone), who: idOf(c.req.query("who"), nameOf) };
  const { items, next } = await api.get<{ items: readonly SeenEntry[]; next: string | null }>(
    `/api/audit${query({ ...filter, after: c.req.query("after") })}`,
  );
  const typed = {
    who: c.req.query("who"),
    from: c.req.query("from"),
    until: c.req.query("until"),
  };
  return (
    <Frame visit={visit} title={audit.title} at="/audit">
      <h1>{audit.title}</h1>
      <p>
        {audit.lead} <small>{words.common.timesIn(zone)}</small>
      </p>
      <form class="filter" action="/audit">
        {sites.length > 1 && (
          <Select
            name="site"
            label={words.common.site}
            words={words}
            value={filter.site}
            choices={[
              { value: "", label: words.common.all },
              ...sites.map(({ id, name }) => ({ value: id, label: name })),
            ]}
          />
        )}
        <Field name="who" type="search" label={words.common.who} words={words} value={typed.who} />
        <Field name="action" type="search" label={audit.action} words={words} value={filter.action} />
        <Field name="thing" type="search" label={audit.thing} words={words} value={filter.thing} />
        <Field name="from" type="date" label={audit.from} words={words} value={typed.from} />
        <Field name="until" type="date" label={audit.until} words={words} value={typed.until} />
        <button type="submit">{words.common.show}</button>
      </form>
      {items.length === 0 ? (
        <Empty title={audit.empty} text={audit.emptyText} />
      ) : (
        <>
          <Table
            caption={audit.title}
            rows={items}
            columns={[
              { head: words.common.when, cell: ({ at }) => <Moment iso={at} zone={zone} lang={lang} /> },
              { head: words.common.who, cell: ({ actor }) => nameOf.get(actor) ?? actor },
              { head: audit.action, cell: ({ action }) => <code>{action}</code> },
              { head: audit.thing, cell: ({ thing }) => thing },
              { head: audit.address, cell: ({ from }) => from.address },
              { head: audit.details, cell: (entry) => <Details entry={entry} words={words} /> },
            ]}
          />
          <p>
            <a href={`/api/audit.csv${query(filter)}`} download="audit.csv">
              {audit.csv}
            </a>
          </p>
        </>
      )}
      {next && <a href={`/audit${query({ ...filter, ...typed, after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

/** Of the first whose name has the words in it; else what was typed is an id itself. */
function idOf(typed: string | undefined, nameOf: ReadonlyMap<string, string>): string | undefined {
  const wanted = typed?.trim().toLowerCase();
  if (!wanted) return undefined;
  return [...nameOf].find(([, name]) => name.toLowerCase().includes(wanted))?.[0] ?? typed;
}

/** Folded away: most who look want to know who and when. */
function Details({ entry: { before, after }, words: { audit } }: { entry: SeenEntry; words: Words }) {
  if (!before && !after) return <>–</>;
  return (
    <details>
      <summary>{audit.show}</summary>
      <FactList name={audit.before} facts={before} />
      <FactList name={audit.after} facts={after} />
    </details>
  );
}

function FactList({ name, facts }: { name: string; facts: Facts | null }) {
  if (!facts) return null;
  return (
    <>
      <strong>{name}</strong>
      {Object.entries(facts).map(([field, value]) => (
        <div>
          <small>{field}:</small> {typeof value === "string" ? value : JSON.stringify(value)}
        </div>
      ))}
    </>
  );
}
