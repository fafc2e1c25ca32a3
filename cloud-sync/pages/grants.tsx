/** Grants of a site: who may open what, until when, and whether the gateways know it. */
import { grantKinds } from "../../gateway/domain/grant.ts";
import { reachOf } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { query } from "./own-api.ts";
import type { PageBook, PageContext } from "./page-book.tsx";
import { Field, Select } from "./parts/form.tsx";
import { inZone, knownZone } from "./parts/moments.tsx";
import { Confirmation, Empty, Notice, Table, Tag, type Tone } from "./parts/show.tsx";
import { chosenSite, SiteChoice } from "./parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite, sitePath } from "./sites.tsx";
import type { Visit } from "./visit.ts";

type GrantState = "upcoming" | "active" | "ended" | "revoked";
export const stateTones = { upcoming: "warn", active: "good", ended: "calm", revoked: "bad" } as const satisfies Record<
  GrantState,
  Tone
>;
export const grantStates = ["upcoming", "active", "ended", "revoked"] as const satisfies readonly GrantState[];

interface SeenGrant {
  readonly id: string;
  readonly kind: (typeof grantKinds)[number];
  readonly state: GrantState;
  readonly holder: { readonly name: string };
  readonly accessPoints: readonly string[];
  readonly from: string;
  readonly until: string;
  readonly entriesAllowed: number | null;
  readonly entriesUsed: number;
  readonly confirmations: readonly { readonly confirmed: boolean }[];
}

export function addGrantPages(book: PageBook): void {
  book.get("/grants", "grants.read", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    return c.html(site ? await grantsPage(c, visit, sites, site) : <NoSite visit={visit} />);
  });

  book.get("/grants/:site/:grant/revoke", "grants.change", async (c, visit) => {
    const { site, grant } = c.req.param() as { site: string; grant: string };
    const { words } = visit;
    const { holder } = await visit.api.get<SeenGrant>(grantPath(site, grant));
    return c.html(
      <Frame visit={visit} title={words.grants.revokeTitle(holder.name)} at="/grants">
        <Confirmation
          title={words.grants.revokeTitle(holder.name)}
          text={words.grants.revokeText}
          yes={words.grants.revokeYes}
          action={`/grants/${site}/${grant}/revoke`}
          back={`/grants${query({ site })}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/grants/:site/:grant/revoke", "grants.change", async (c, visit) => {
    const { site, grant } = c.req.param() as { site: string; grant: string };
    await visit.api.send("POST", `${grantPath(site, grant)}/revoke`);
    return c.redirect(`/grants${query({ site, done: "revoked" })}`, 303);
  });
}

const grantPath = (site: string, grant: string) => `${sitePath(site)}/grants/${encodeURIComponent(grant)}`;

/** Where a page is about a site and there is none. */
export function NoSite({ visit }: { visit: Visit }) {
  const { words, actor } = visit;
  return (
    <Frame visit={visit} title={words.sites.empty}>
      <h1>{words.sites.empty}</h1>
      <Empty title={words.sites.empty} text={words.sites.emptyText}>
        {actor && reachOf(actor, "sites.create") && (
          <a class="button" href="/set-up">
            {words.nav.setUp}
          </a>
        )}
      </Empty>
    </Frame>
  );
}

async function grantsPage(c: PageContext, visit: Visit, sites: readonly SeenSite[], site: SeenSite) {
  const { words, lang, api } = visit;
  const filter = { kind: c.req.query("kind"), state: c.req.query("state"), holder: c.req.query("holder") };
  const [{ items, next }, doors] = await Promise.all([
    api.get<{ items: readonly SeenGrant[]; next: string | null }>(
      `${sitePath(site.id)}/grants${query({ ...filter, after: c.req.query("after") })}`,
    ),
    listDoors(visit, site.id),
  ]);
  const nameOf = new Map(doors.map(({ id, name }) => [id, name]));
  const zone = knownZone(site.zone);
  const mayRevoke = reachOf(visit.actor!, "grants.change") !== undefined;
  const any = { value: "", label: words.common.all };
  return (
    <Frame visit={visit} title={words.grants.title} at="/grants">
      <h1>{words.grants.title}</h1>
      <p>
        {words.grants.lead} <small>{words.common.timesIn(zone)}</small>
      </p>
      {c.req.query("done") === "revoked" && <Notice>{words.grants.revoked}</Notice>}
      <form class="filter" action="/grants">
        <SiteChoice sites={sites} site={site} words={words} />
        <Field name="holder" type="search" label={words.grants.holder} words={words} value={filter.holder} />
        <Select
          name="kind"
          label={words.grants.kind}
          words={words}
          value={filter.kind}
          choices={[any, ...grantKinds.map((value) => ({ value, label: words.grants.kinds[value] }))]}
        />
        <Select
          name="state"
          label={words.common.state}
          words={words}
          value={filter.state}
          choices={[any, ...grantStates.map((value) => ({ value, label: words.codes.states[value] }))]}
        />
        <button type="submit">{words.common.show}</button>
      </form>
      {items.length === 0 ? (
        <Empty title={words.grants.empty} text={words.grants.emptyText} />
      ) : (
        <Table
          caption={words.grants.title}
          rows={items}
          columns={[
            { head: words.grants.holder, cell: ({ holder }) => holder.name },
            { head: words.grants.kind, cell: ({ kind }) => words.grants.kinds[kind] },
            {
              head: words.common.state,
              cell: ({ state }) => <Tag tone={stateTones[state]}>{words.codes.states[state]}</Tag>,
            },
            {
              head: words.grants.doors,
              cell: ({ accessPoints }) => accessPoints.map((id) => nameOf.get(id) ?? id).join(", "),
            },
            {
              head: words.grants.window,
              cell: ({ from, until }) => `${inZone(from, zone, lang)} – ${inZone(until, zone, lang)}`,
            },
            {
              head: words.grants.used,
              cell: ({ entriesUsed, entriesAllowed }) =>
                entriesAllowed === null ? entriesUsed : `${entriesUsed} / ${entriesAllowed}`,
            },
            { head: words.grants.confirmed, cell: (grant) => confirmedWords(grant, visit) },
            ...(mayRevoke
              ? [
                  {
                    head: words.grants.revoke,
                    cell: ({ id, state, holder }: SeenGrant) =>
                      state === "revoked" ? (
                        "–"
                      ) : (
                        <a
                          href={`/grants/${site.id}/${id}/revoke`}
                          aria-label={`${words.grants.revoke}: ${holder.name}`}
                        >
                          {words.grants.revoke}
                        </a>
                      ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {next && <a href={`/grants${query({ site: site.id, ...filter, after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

function confirmedWords({ confirmations }: SeenGrant, { words }: Visit): string {
  const have = confirmations.filter(({ confirmed }) => confirmed).length;
  return have === confirmations.length
    ? words.grants.confirmedAll
    : words.grants.confirmedSome(have, confirmations.length);
}
