/** The list of temporary codes: searched by name, filtered by state and site; the states are the locks', not only the calendar's. */
import { reachOf } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { grantStates, stateTones } from "../grants.tsx";
import { query } from "../own-api.ts";
import type { PageBook, PageContext } from "../page-book.tsx";
import { Field, Select } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Empty, Notice, Table, Tag, type Tone } from "../parts/show.tsx";
import { listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { codesPath, type SeenCode } from "./code-shapes.ts";

export const doorTones: Readonly<Record<SeenCode["doors"][number]["state"], Tone>> = {
  "on-lock": "good",
  "gateway-decides": "good",
  "not-due": "calm",
  "waiting-lock": "warn",
  "waiting-gateway": "warn",
  refused: "bad",
  "still-on-lock": "warn",
  over: "calm",
  unknown: "warn",
};

export function addCodesList(book: PageBook): void {
  book.get("/codes", "codes.read", async (c, visit) => {
    const { words } = visit;
    const sites = await listSites(visit);
    const mayMake = reachOf(visit.actor!, "codes.change") !== undefined;
    const make = (
      <a class="button" href="/codes/new">
        {words.codes.make}
      </a>
    );
    return c.html(
      <Frame visit={visit} title={words.codes.title} at="/codes">
        <div class="head">
          <h1>{words.codes.title}</h1>
          {mayMake && make}
        </div>
        <p>{words.codes.lead}</p>
        {c.req.query("done") === "deleted" && <Notice>{words.codes.deleted}</Notice>}
        {await listPart(c, visit, sites)}
        <p class="row">
          {mayMake && <a href="/codes/import">{words.files.import}</a>}
          <a href="/codes/export">{words.files.export}</a>
        </p>
      </Frame>,
    );
  });

  book.get("/codes/list", "codes.read", async (c, visit) => c.html(await listPart(c, visit, await listSites(visit))));
}

interface Filter {
  readonly site: string | undefined;
  readonly state: string | undefined;
  readonly name: string | undefined;
  readonly after: string | undefined;
}

async function listPart(c: PageContext, visit: Visit, sites: readonly SeenSite[]) {
  const { words, api } = visit;
  const filter: Filter = {
    site: c.req.query("site"),
    state: c.req.query("state"),
    name: c.req.query("name"),
    after: c.req.query("after"),
  };
  const { items, next } = await api.get<{ items: readonly SeenCode[]; next: string | null }>(
    `${codesPath}${query({ ...filter })}`,
  );
  const isFiltered = Boolean(filter.site || filter.state || filter.name);
  if (items.length === 0 && !isFiltered) return <Empty title={words.codes.empty} text={words.codes.emptyText} />;
  return (
    <>
      <FilterForm filter={filter} sites={sites} visit={visit} />
      {items.length === 0 ? (
        <p role="status">{words.codes.nothingFound}</p>
      ) : (
        <div id="codes" {...refreshed(`/codes/list${query({ ...filter })}`, 5)} hx-select="#codes">
          <CodesTable items={items} sites={sites} visit={visit} />
        </div>
      )}
      {next && <a href={`/codes${query({ ...filter, after: next })}`}>{words.common.next}</a>}
    </>
  );
}

function FilterForm({ filter, sites, visit: { words } }: { filter: Filter; sites: readonly SeenSite[]; visit: Visit }) {
  const any = { value: "", label: words.common.all };
  return (
    <form class="filter" action="/codes">
      <Field name="name" type="search" label={words.codes.searchLabel} words={words} value={filter.name} />
      <Select
        name="state"
        label={words.common.state}
        words={words}
        value={filter.state}
        choices={[any, ...grantStates.map((value) => ({ value, label: words.codes.states[value] }))]}
      />
      {sites.length > 1 && (
        <Select
          name="site"
          label={words.common.site}
          words={words}
          value={filter.site}
          choices={[any, ...sites.map(({ id, name }) => ({ value: id, label: name }))]}
        />
      )}
      <button type="submit">{words.common.search}</button>
    </form>
  );
}

function CodesTable({ items, sites, visit }: { items: readonly SeenCode[]; sites: readonly SeenSite[]; visit: Visit }) {
  const { words, lang } = visit;
  const zoneOf = ({ site }: SeenCode) => knownZone(sites.find(({ id }) => id === site)?.zone);
  return (
    <Table
      caption={words.codes.title}
      rows={items}
      columns={[
        { head: words.common.name, cell: ({ id, name }) => <a href={`/codes/${id}`}>{name}</a> },
        {
          head: words.common.state,
          cell: ({ state }) => <Tag tone={stateTones[state]}>{words.codes.states[state]}</Tag>,
        },
        {
          head: words.codes.until,
          cell: (code) => <Moment iso={code.expiry} zone={zoneOf(code)} lang={lang} />,
        },
        {
          head: words.codes.status,
          cell: ({ doors }) => [...new Set(doors.map(({ state }) => words.codes.doorStates[state]))].join("; "),
        },
        {
          head: words.codes.lastUsed,
          cell: (code) =>
            code.lastUsed === null ? (
              words.common.never
            ) : (
              <Moment iso={code.lastUsed} zone={zoneOf(code)} lang={lang} />
            ),
        },
      ]}
    />
  );
}
