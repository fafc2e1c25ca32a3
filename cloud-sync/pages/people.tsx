/** People: who may sign in and as what; invitation and reset links, shown once. Agencies are people whose role is to give out codes. */
import type { Role } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom, query } from "./own-api.ts";
import { FormWords, type PageBook, type PageContext } from "./page-book.tsx";
import { Field, Form, Select } from "./parts/form.tsx";
import { RoleField, SitesField } from "./parts/role-fields.tsx";
import { Confirmation, Empty, Secret, Table } from "./parts/show.tsx";
import { personPage, personPath, type SeenPerson, State } from "./person.tsx";
import { listSites, type SeenSite } from "./sites.tsx";
import type { Visit } from "./visit.ts";
import { languages } from "./words/words.ts";

interface GivenLink {
  readonly url: string;
}

/** Roles whose holders see every site without belonging to any. */
const everywhere: readonly Role[] = ["admin", "support"];

export function addPeoplePages(book: PageBook): void {
  for (const list of [people, agencies]) {
    book.get(list.path, list.action, async (c, visit) => c.html(await listPage(c, visit, list)));

    book.get(`${list.path}/new`, "people.change", async (c, visit) =>
      c.html(<NewPerson visit={visit} list={list} sites={await listSites(visit)} />),
    );

    book.post(list.path, "people.change", async (c, visit) => {
      const given = await personForm(c, list);
      try {
        const { link } = await visit.api.send<{ link: GivenLink }>("POST", "/api/people", given);
        return c.html(
          <LinkPage visit={visit} at={list.path} title={visit.words.people.invited(given.name)} link={link} />,
        );
      } catch (error) {
        const faults = faultsFrom(error);
        return c.html(
          <NewPerson visit={visit} list={list} sites={await listSites(visit)} faults={faults} given={given} />,
          422,
        );
      }
    });
  }

  book.get("/people/:person", "people.read", async (c, visit) => c.html(await personPage(c, visit)));

  book.post("/people/:person", "people.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const change = { name: form.text("name"), role: form.text("role"), sites: form.all("sites") };
    try {
      await visit.api.send("PATCH", personPath(c), change);
      return c.redirect(`/people/${c.req.param("person")}?done=saved`, 303);
    } catch (error) {
      return c.html(await personPage(c, visit, faultsFrom(error)), 422);
    }
  });

  book.post("/people/:person/reset-link", "people.change", async (c, visit) => {
    const { name } = await visit.api.get<SeenPerson>(personPath(c));
    const link = await visit.api.send<GivenLink>("POST", `${personPath(c)}/reset-link`);
    return c.html(<LinkPage visit={visit} at="/people" title={visit.words.people.resetMade(name)} link={link} />);
  });

  book.post("/people/:person/sign-out", "people.change", async (c, visit) => {
    await visit.api.send("DELETE", `${personPath(c)}/sessions`);
    return c.redirect(`/people/${c.req.param("person")}?done=signed-out`, 303);
  });

  book.get("/people/:person/disable", "people.change", async (c, visit) => {
    const { id, name } = await visit.api.get<SeenPerson>(personPath(c));
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.people.disableTitle(name)} at="/people">
        <Confirmation
          title={words.people.disableTitle(name)}
          text={words.people.disableText}
          yes={words.people.disableYes}
          action={`/people/${id}/disable`}
          back={`/people/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  for (const [verb, disabled] of [
    ["disable", true],
    ["enable", false],
  ] as const)
    book.post(`/people/:person/${verb}`, "people.change", async (c, visit) => {
      try {
        await visit.api.send("PATCH", personPath(c), { disabled });
        return c.redirect(`/people/${c.req.param("person")}?done=saved`, 303);
      } catch (error) {
        return c.html(await personPage(c, visit, faultsFrom(error)), 422);
      }
    });
}

interface PeopleList {
  readonly path: string;
  readonly action: "people.read" | "people.change";
  readonly words: "people" | "agencies";
  /** All have it, and whoever is added gets it. */
  readonly role?: Role;
}

const people: PeopleList = { path: "/people", action: "people.read", words: "people" };
const agencies: PeopleList = { path: "/agencies", action: "people.change", words: "agencies", role: "agency" };

async function personForm(c: PageContext, { role }: PeopleList) {
  const form = await FormWords.of(c);
  return {
    name: form.text("name"),
    userName: form.text("userName"),
    ...(form.some("email") !== undefined && { email: form.text("email") }),
    role: role ?? form.text("role"),
    sites: form.all("sites"),
    language: form.text("language"),
  };
}

type GivenPerson = Partial<Awaited<ReturnType<typeof personForm>>>;

async function listPage(c: PageContext, visit: Visit, list: PeopleList) {
  const { words, api } = visit;
  const { title, lead, empty, emptyText } = words[list.words];
  const after = c.req.query("after");
  const [{ items, next }, sites] = await Promise.all([
    api.get<{ items: readonly SeenPerson[]; next?: string | null }>(`/api/people${query({ role: list.role, after })}`),
    listSites(visit),
  ]);
  const nameOf = new Map(sites.map(({ id, name }) => [id, name]));
  return (
    <Frame visit={visit} title={title} at={list.path}>
      <div class="head">
        <h1>{title}</h1>
        <a class="button" href={`${list.path}/new`}>
          {list.words === "agencies" ? words.agencies.make : words.people.invite}
        </a>
      </div>
      <p>{lead}</p>
      {items.length === 0 ? (
        <Empty title={empty} text={emptyText} />
      ) : (
        <Table
          caption={title}
          rows={items}
          columns={[
            { head: words.people.name, cell: ({ id, name }) => <a href={`/people/${id}`}>{name}</a> },
            { head: words.people.userName, cell: ({ userName }) => userName },
            ...(list.role ? [] : [{ head: words.people.role, cell: ({ role }: SeenPerson) => words.roles[role] }]),
            {
              head: words.people.sites,
              cell: (person) =>
                everywhere.includes(person.role)
                  ? words.common.all
                  : person.sites.map((site) => nameOf.get(site) ?? site).join(", ") || words.common.none,
            },
            { head: words.common.state, cell: ({ state }) => <State state={state} visit={visit} /> },
          ]}
        />
      )}
      {next && <a href={`${list.path}${query({ after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

interface NewPersonProps {
  readonly visit: Visit;
  readonly list: PeopleList;
  readonly sites: readonly SeenSite[];
  readonly faults?: FieldFaults;
  readonly given?: GivenPerson;
}

function NewPerson({ visit, list, sites, faults, given }: NewPersonProps) {
  const { words, lang } = visit;
  const title = list.words === "agencies" ? words.agencies.makeTitle : words.people.inviteTitle;
  const shared = { words, faults, autocomplete: "off" } as const;
  return (
    <Frame visit={visit} title={title} at={list.path}>
      <h1>{title}</h1>
      <Form action={list.path} words={words} faults={faults} submit={words.people.submit}>
        <Field {...shared} name="name" label={words.people.name} value={given?.name} required />
        <Field
          {...shared}
          name="userName"
          label={words.people.userName}
          value={given?.userName}
          required
          spellcheck={false}
        />
        <Field {...shared} name="email" type="email" label={words.people.email} value={given?.email} />
        {!list.role && <RoleField visit={visit} role={given?.role} faults={faults} />}
        <SitesField visit={visit} sites={sites} chosen={given?.sites} faults={faults} />
        <Select
          name="language"
          label={words.people.language}
          words={words}
          faults={faults}
          value={given?.language ?? lang}
          choices={Object.entries(languages).map(([value, { language }]) => ({ value, label: language }))}
        />
      </Form>
    </Frame>
  );
}

function LinkPage({ visit, at, title, link }: { visit: Visit; at: string; title: string; link: GivenLink }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={title} at={at}>
      <h1>{title}</h1>
      <p>{words.people.link}</p>
      <Secret text={link.url} words={words} qr />
      <p>
        <a class="button" href={at}>
          {words.common.back}
        </a>
      </p>
    </Frame>
  );
}
