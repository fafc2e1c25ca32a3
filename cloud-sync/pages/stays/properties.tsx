/** The list of properties, and one more. */
import { reachOf } from "../../domain/permissions.ts";
import { usualRules } from "../../domain/stay-planner.ts";
import { Frame } from "../frame.tsx";
import { NoSite } from "../grants.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Choices, Field, Form, OnceKey } from "../parts/form.tsx";
import { Empty, Notice, Table, Tag } from "../parts/show.tsx";
import { chosenSite, SiteSwitch } from "../parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { type LetProperty, listLet, propertiesPath } from "./let-shapes.ts";
import { ruleNames } from "./property-fields.tsx";

export function addPropertyPages(book: PageBook): void {
  book.get("/properties", "stays.read", async (c, visit) => c.html(await listPage(visit, c.req.query("done"))));

  book.get("/properties/new", "properties.change", async (c, visit) => {
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    return c.html(site ? await newPage(visit, sites, site, {}) : <NoSite visit={visit} />);
  });

  book.post("/properties/new", "properties.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const sites = await listSites(visit);
    const site = chosenSite(sites, form.text("site"));
    if (!site) return c.html(<NoSite visit={visit} />, 422);
    const given: GivenProperty = {
      name: form.text("name"),
      accessPoints: form.all("accessPoints"),
      checkIn: form.text("checkIn"),
      checkOut: form.text("checkOut"),
    };
    const { name, accessPoints, ...rules } = given;
    try {
      const order = { site: site.id, name, accessPoints, rules };
      const { id } = await visit.api.send<{ id: string }>("POST", propertiesPath, order, form.onceKey());
      return c.redirect(`/properties/${id}?done=made`, 303);
    } catch (error) {
      return c.html(await newPage(visit, sites, site, { given, faults: faultsFrom(error, ruleNames) }), 422);
    }
  });
}

async function listPage(visit: Visit, done: string | undefined) {
  const { words, actor } = visit;
  const { letting } = words;
  const mayChange = reachOf(actor!, "properties.change") !== undefined;
  const items = await listLet(visit);
  const doors = await doorNames(visit, items);
  return (
    <Frame visit={visit} title={letting.properties} at="/properties">
      <div class="head">
        <h1>{letting.properties}</h1>
        {mayChange && (
          <a class="button" href="/properties/new">
            {letting.addProperty}
          </a>
        )}
      </div>
      <p>{letting.propertiesLead}</p>
      {done === "closed" && <Notice>{letting.propertyClosed}</Notice>}
      {items.length === 0 ? (
        <Empty title={letting.noProperties} text={letting.noPropertiesText} />
      ) : (
        <Table
          caption={letting.properties}
          rows={items}
          columns={[
            {
              head: words.common.name,
              cell: ({ id, name }) => (mayChange ? <a href={`/properties/${id}`}>{name}</a> : name),
            },
            {
              head: letting.doors,
              cell: ({ site, accessPoints }) =>
                accessPoints.map((one) => doors.get(`${site}/${one}`) ?? one).join(", "),
            },
            { head: letting.hours, cell: ({ rules }) => `${rules.checkIn} – ${rules.checkOut}` },
            { head: letting.spares, cell: (one) => <Spares property={one} visit={visit} /> },
          ]}
        />
      )}
    </Frame>
  );
}

async function doorNames(visit: Visit, items: readonly LetProperty[]): Promise<ReadonlyMap<string, string>> {
  const sites = [...new Set(items.map(({ site }) => site))];
  const lists = await Promise.all(sites.map(async (site) => ({ site, doors: await listDoors(visit, site) })));
  return new Map(lists.flatMap(({ site, doors }) => doors.map(({ id, name }) => [`${site}/${id}`, name] as const)));
}

/** How many spare codes are ready, of how many, and why not more. */
export function Spares({ property: { rules, spares }, visit }: { property: LetProperty; visit: Visit }) {
  const { letting, common } = visit.words;
  if (rules.spareCodes === 0) return <>{common.none}</>;
  return (
    <>
      <Tag tone={spares.ready >= rules.spareCodes ? "good" : "warn"}>
        {letting.sparesReady(spares.ready, rules.spareCodes)}
      </Tag>
      {spares.problem !== null && (
        <small class="fine">
          <Fault text={spares.problem} words={visit.words} />
        </small>
      )}
    </>
  );
}

interface GivenProperty {
  readonly name: string;
  readonly accessPoints: readonly string[];
  readonly checkIn: string;
  readonly checkOut: string;
}

async function newPage(
  visit: Visit,
  sites: readonly SeenSite[],
  site: SeenSite,
  { given, faults }: { readonly given?: GivenProperty; readonly faults?: FieldFaults },
) {
  const { words } = visit;
  const { letting } = words;
  const doors = (await listDoors(visit, site.id)).filter(({ goneAt }) => goneAt === null);
  const chosen = given?.accessPoints ?? (doors.length === 1 ? doors.map(({ id }) => id) : []);
  const field = { words, faults };
  return (
    <Frame visit={visit} title={letting.addProperty} at="/properties">
      <h1>{letting.addProperty}</h1>
      <SiteSwitch action="/properties/new" sites={sites} site={site} words={words} />
      {doors.length === 0 ? (
        <Empty title={words.sites.doorsEmpty} text={words.sites.doorsEmptyText} />
      ) : (
        <Form action="/properties/new" words={words} faults={faults} submit={letting.addPropertySubmit}>
          <input type="hidden" name="site" value={site.id} />
          <OnceKey />
          <Field {...field} name="name" label={words.common.name} value={given?.name} required maxlength={200} />
          <Choices
            {...field}
            name="accessPoints"
            label={letting.doors}
            hint={letting.doorsHint}
            values={chosen}
            choices={doors.map(({ id, name }) => ({ value: id, label: name }))}
          />
          <Field
            {...field}
            name="checkIn"
            type="time"
            label={letting.checkIn}
            value={given?.checkIn ?? usualRules.checkIn}
            required
          />
          <Field
            {...field}
            name="checkOut"
            type="time"
            label={letting.checkOut}
            value={given?.checkOut ?? usualRules.checkOut}
            required
          />
        </Form>
      )}
    </Frame>
  );
}
