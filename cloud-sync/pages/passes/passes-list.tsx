/** The list of visitors' passes: open and past ones, searched by name. */
import { reachOf } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { query } from "../own-api.ts";
import type { PageBook, PageContext } from "../page-book.tsx";
import { Field, Select } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Empty, Notice, Table, Tag } from "../parts/show.tsx";
import { listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { kindName } from "./kinds.ts";
import { passesPath, passTones, type SeenPass, shownState } from "./pass-shapes.ts";

export function addPassesList(book: PageBook): void {
  book.get("/passes", "passes.read", async (c, visit) => {
    const { words } = visit;
    const sites = await listSites(visit);
    return c.html(
      <Frame visit={visit} title={words.passes.title} at="/passes">
        <div class="head">
          <h1>{words.passes.title}</h1>
          {mayInvite(visit) && (
            <a class="button" href="/passes/new">
              {words.passes.invite}
            </a>
          )}
        </div>
        <p>{words.passes.lead}</p>
        {c.req.query("done") === "withdrawn" && <Notice>{words.passes.withdrawn}</Notice>}
        {await listPart(c, visit, sites)}
        {mayInvite(visit) && (
          <p>
            <a href="/account/notices">{words.notices.title}</a>
          </p>
        )}
      </Frame>,
    );
  });

  book.get("/passes/list", "passes.read", async (c, visit) => c.html(await listPart(c, visit, await listSites(visit))));
}

const mayInvite = ({ actor }: Visit) => reachOf(actor!, "passes.change") !== undefined;

interface Filter {
  readonly site: string | undefined;
  /** "all": past ones too. */
  readonly state: string;
  readonly name: string | undefined;
  readonly after: string | undefined;
}

async function listPart(c: PageContext, visit: Visit, sites: readonly SeenSite[]) {
  const { words, api } = visit;
  const filter: Filter = {
    site: c.req.query("site"),
    state: c.req.query("state") ?? "open",
    name: c.req.query("name"),
    after: c.req.query("after"),
  };
  const { items, next } = await api.get<{ items: readonly SeenPass[]; next: string | null }>(
    `${passesPath}${query({ ...filter, state: filter.state === "all" ? undefined : filter.state })}`,
  );
  const isFiltered = Boolean(filter.site || filter.name || c.req.query("state"));
  return (
    <>
      <FilterForm filter={filter} sites={sites} visit={visit} />
      {items.length > 0 ? (
        <div id="passes" {...refreshed(`/passes/list${query({ ...filter })}`, 5)} hx-select="#passes">
          <PassesTable items={items} sites={sites} visit={visit} />
        </div>
      ) : isFiltered ? (
        <p role="status">{words.passes.nothingFound}</p>
      ) : (
        <Empty title={words.passes.empty} text={words.passes.emptyText} />
      )}
      {next && <a href={`/passes${query({ ...filter, after: next })}`}>{words.common.next}</a>}
    </>
  );
}

function FilterForm({ filter, sites, visit: { words } }: { filter: Filter; sites: readonly SeenSite[]; visit: Visit }) {
  return (
    <form class="filter" action="/passes">
      <Field name="name" type="search" label={words.passes.searchLabel} words={words} value={filter.name} />
      <Select
        name="state"
        label={words.common.state}
        words={words}
        value={filter.state}
        choices={[
          ...(["open", "past"] as const).map((value) => ({ value, label: words.passes.which[value] })),
          { value: "all", label: words.common.all },
        ]}
      />
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
      <button type="submit">{words.common.search}</button>
    </form>
  );
}

function PassesTable({
  items,
  sites,
  visit,
}: {
  items: readonly SeenPass[];
  sites: readonly SeenSite[];
  visit: Visit;
}) {
  const { words, lang } = visit;
  const zoneOf = ({ site }: SeenPass) => knownZone(sites.find(({ id }) => id === site)?.zone);
  const again = {
    head: words.passes.inviteAgain,
    cell: ({ id }: SeenPass) => <a href={`/passes/new${query({ again: id })}`}>{words.passes.inviteAgain}</a>,
  };
  return (
    <Table
      caption={words.passes.title}
      rows={items}
      columns={[
        { head: words.passes.visitor, cell: ({ id, visitorName }) => <a href={`/passes/${id}`}>{visitorName}</a> },
        { head: words.passes.kind, cell: ({ visitorType }) => kindName(visitorType, words) },
        {
          head: words.common.state,
          cell: (pass) => (
            <>
              <Tag tone={passTones[shownState(pass)]}>{words.passes.states[shownState(pass)]}</Tag>
              {pass.barred && (
                <>
                  {" "}
                  <Tag tone="bad">{words.passes.isBarred}</Tag>
                </>
              )}
            </>
          ),
        },
        {
          head: words.passes.until,
          cell: (pass) => <Moment iso={pass.validUntil} zone={zoneOf(pass)} lang={lang} />,
        },
        { head: words.passes.left, cell: (pass) => entriesLeft(pass, visit) },
        ...(mayInvite(visit) ? [again] : []),
      ]}
    />
  );
}

export function entriesLeft({ entriesAllowed, entriesUsed }: SeenPass, { words }: Pick<Visit, "words">): string {
  if (entriesAllowed === null) return words.passes.unlimited;
  return words.passes.leftOf(Math.max(0, entriesAllowed - entriesUsed), entriesAllowed);
}
