/** Where bookings come from: the list with what came of each the last time, and one more. */
import { reachOf } from "../../domain/permissions.ts";
import { type SourceKind, sourceKinds } from "../../sources/booking-source.ts";
import { calendarPlace } from "../../sources/calendar.ts";
import { Frame } from "../frame.tsx";
import { NoSite } from "../grants.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Field, Form, Select } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { Empty, Notice, Table } from "../parts/show.tsx";
import { SiteChoice } from "../parts/site-choice.tsx";
import { listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { type LetProperty, listLet, type SeenSource, sourcesPath } from "./let-shapes.ts";
import { type HookSecrets, SecretsPage } from "./source-secrets.tsx";
import { ReadNow, SourceOutcome } from "./source-state.tsx";

export function addSourcePages(book: PageBook): void {
  book.get("/sources", "stays.read", async (c, visit) => c.html(await listPage(visit, c.req.query("done"))));

  book.get("/sources/new", "properties.change", async (c, visit) => {
    const kind = sourceKinds.find((one) => one === c.req.query("kind"));
    const sites = await listSites(visit);
    if (sites.length === 0) return c.html(<NoSite visit={visit} />);
    return c.html(kind ? await newPage(visit, sites, kind, {}) : <KindPage visit={visit} />);
  });

  book.post("/sources/new", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const kind = sourceKinds.find((one) => one === form.text("kind")) ?? "lodgify";
    const given: GivenSource = {
      name: form.text("name"),
      key: form.text("key"),
      site: form.text("site"),
      property: form.text("property"),
    };
    const properties = await listLet(visit);
    try {
      const order = orderOf(kind, given, properties);
      const made = await visit.api.send<MadeSource>("POST", sourcesPath, order);
      if (made.hook) return c.html(<SecretsPage visit={visit} source={made} hook={made.hook} />);
      return c.redirect(`/sources/${made.id}/places?done=made`, 303);
    } catch (error) {
      const faults = faultsFrom(error, { places: "property" });
      return c.html(await newPage(visit, await listSites(visit), kind, { given, faults }), 422);
    }
  });
}

type MadeSource = SeenSource & { readonly hook: HookSecrets | null };

interface GivenSource {
  readonly name: string;
  readonly key: string;
  readonly site: string;
  /** Of a calendar, which is of one. */
  readonly property: string;
}

function orderOf(kind: SourceKind, { name, key, site, property }: GivenSource, properties: readonly LetProperty[]) {
  const order = { kind, name, ...(key !== "" && { key }) };
  if (kind !== "ical") return { ...order, site };
  const chosen = properties.find(({ id }) => id === property);
  return { ...order, ...(chosen && { site: chosen.site }), places: { [calendarPlace]: property } };
}

async function listPage(visit: Visit, done: string | undefined) {
  const { words, lang, actor, api } = visit;
  const { letting } = words;
  const mayChange = reachOf(actor!, "properties.change") !== undefined;
  const { items } = await api.get<{ items: readonly SeenSource[] }>(sourcesPath);
  const open = items.filter(({ closedAt }) => closedAt === null);
  const told: Readonly<Record<string, string>> = { closed: letting.sourceClosed, read: letting.wasRead };
  const zones = new Map((await listSites(visit)).map(({ id, zone }) => [id, knownZone(zone)]));
  const moment = (iso: string | null, site: string) =>
    iso === null ? words.common.never : <Moment iso={iso} zone={zones.get(site) ?? "UTC"} lang={lang} />;
  return (
    <Frame visit={visit} title={letting.sources} at="/sources">
      <div class="head">
        <h1>{letting.sources}</h1>
        {mayChange && (
          <a class="button" href="/sources/new">
            {letting.connect}
          </a>
        )}
      </div>
      <p>{letting.sourcesLead}</p>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {open.length === 0 ? (
        <Empty title={letting.noSources} text={letting.noSourcesText} />
      ) : (
        <Table
          caption={letting.sources}
          rows={open}
          columns={[
            {
              head: words.common.name,
              cell: ({ id, name }) => (mayChange ? <a href={`/sources/${id}`}>{name}</a> : name),
            },
            { head: letting.kind, cell: ({ kind }) => letting.kinds[kind] },
            { head: letting.lastRead, cell: ({ ranAt, site }) => moment(ranAt, site) },
            { head: letting.result, cell: (one) => <SourceOutcome source={one} visit={visit} /> },
            { head: letting.nextRead, cell: ({ nextAt, site }) => moment(nextAt, site) },
            { head: letting.readNow, cell: (one) => <ReadNow source={one} visit={visit} /> },
          ]}
        />
      )}
    </Frame>
  );
}

function KindPage({ visit }: { visit: Visit }) {
  const { letting } = visit.words;
  return (
    <Frame visit={visit} title={letting.connect} at="/sources">
      <h1>{letting.connect}</h1>
      <p>{letting.connectLead}</p>
      <ul class="plain-list">
        {sourceKinds.map((kind) => (
          <li>
            <a href={`/sources/new?kind=${kind}`}>{letting.kinds[kind]}</a>
            <small class="fine">{letting.kindHints[kind]}</small>
          </li>
        ))}
      </ul>
    </Frame>
  );
}

async function newPage(
  visit: Visit,
  sites: readonly SeenSite[],
  kind: SourceKind,
  { given, faults }: { readonly given?: GivenSource; readonly faults?: FieldFaults },
) {
  const { words } = visit;
  const { letting } = words;
  const field = { words, faults };
  const properties = await listLet(visit);
  const site = sites.find(({ id }) => id === given?.site) ?? sites[0]!;
  return (
    <Frame visit={visit} title={letting.kinds[kind]} at="/sources">
      <h1>{letting.kinds[kind]}</h1>
      <p>{letting.kindHints[kind]}</p>
      {properties.length === 0 ? (
        <Empty title={words.stays.noProperty} text={words.stays.noPropertyText}>
          <a class="button" href="/properties/new">
            {letting.addProperty}
          </a>
        </Empty>
      ) : (
        <Form action="/sources/new" words={words} faults={faults} submit={letting.connectSubmit}>
          <input type="hidden" name="kind" value={kind} />
          <Field {...field} name="name" label={words.common.name} value={given?.name} required maxlength={200} />
          {kind === "ical" ? (
            <Select
              {...field}
              name="property"
              label={words.stays.property}
              value={given?.property}
              choices={properties.map(({ id, name }) => ({ value: id, label: name }))}
            />
          ) : (
            <SiteChoice sites={sites} site={site} words={words} />
          )}
          <Field
            {...field}
            name="key"
            label={letting.keys[kind]}
            hint={letting.keyHints[kind]}
            value={given?.key}
            required={kind !== "webhook"}
            autocomplete="off"
            spellcheck={false}
            maxlength={2_000}
          />
        </Form>
      )}
    </Frame>
  );
}
