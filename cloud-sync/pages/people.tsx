/** People: who may sign in and as what; invitation and reset links, shown once. Agencies are people whose role is to give out codes. */
import { type Role, reachOf, roles } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom, query } from "./own-api.ts";
import { FormWords, type PageBook, type PageContext } from "./page-book.tsx";
import { Choices, Field, Form, Select } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { Confirmation, Empty, Notice, Secret, Table, Tag } from "./parts/show.tsx";
import { listSites, type SeenSite } from "./sites.tsx";
import type { Visit } from "./visit.ts";
import { languages } from "./words/words.ts";

export interface SeenPerson {
  readonly id: string;
  readonly name: string;
  readonly userName: string;
  readonly email: string | null;
  readonly role: Role;
  readonly sites: readonly string[];
  readonly language: string;
  readonly state: "invited" | "active" | "disabled" | "erased";
  readonly secondFactor: boolean;
  readonly lockedUntil: string | null;
}

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

export const personPath = (c: PageContext) => `/api/people/${encodeURIComponent(c.req.param("person")!)}`;

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

function State({ state, visit: { words } }: { state: SeenPerson["state"]; visit: Visit }) {
  if (state === "erased") return <Tag tone="bad">{words.people.erased}</Tag>;
  if (state === "active") return <Tag tone="good">{words.people.active}</Tag>;
  return state === "disabled" ? (
    <Tag tone="bad">{words.people.disabled}</Tag>
  ) : (
    <Tag tone="warn">{words.people.invitedState}</Tag>
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

interface PartProps {
  readonly visit: Visit;
  readonly faults?: FieldFaults | undefined;
}

export function RoleField({ visit: { words }, role, faults }: PartProps & { readonly role: string | undefined }) {
  return (
    <Select
      name="role"
      label={words.people.role}
      words={words}
      faults={faults}
      value={role ?? "user"}
      choices={roles.map((value) => ({ value, label: `${words.roles[value]}: ${words.roleHints[value]}` }))}
    />
  );
}

export function SitesField({
  visit: { words },
  sites,
  chosen,
  faults,
}: PartProps & { readonly sites: readonly SeenSite[]; readonly chosen: readonly string[] | undefined }) {
  return (
    <Choices
      name="sites"
      label={words.people.sites}
      hint={words.people.sitesHint}
      words={words}
      faults={faults}
      values={chosen ?? (sites.length === 1 ? sites.map(({ id }) => id) : [])}
      choices={sites.map(({ id, name }) => ({ value: id, label: name }))}
    />
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

export async function personPage(c: PageContext, visit: Visit, faults?: FieldFaults) {
  const { words, api } = visit;
  const [person, sites] = await Promise.all([api.get<SeenPerson>(personPath(c)), listSites(visit)]);
  const { id, name, userName, email, role, state, secondFactor, lockedUntil } = person;
  if (state === "erased") return <ErasedPerson visit={visit} id={id} />;
  const told: Readonly<Record<string, string>> = {
    saved: words.common.saved,
    "signed-out": words.people.signedOutAll,
    factor: words.people.factorForgotten,
  };
  const news = told[c.req.query("done") ?? ""];
  const mayChange = reachOf(visit.actor!, "people.change") !== undefined;
  return (
    <Frame visit={visit} title={name} at={role === "agency" ? "/agencies" : "/people"}>
      <div class="head">
        <h1>{name}</h1>
        <State state={state} visit={visit} />
      </div>
      {news && <Notice>{news}</Notice>}
      <dl class="facts-list">
        <dt>{words.people.userName}</dt>
        <dd>{userName}</dd>
        <dt>{words.people.email}</dt>
        <dd>{email ?? "–"}</dd>
        <dt>{words.people.factor}</dt>
        <dd>
          <Tag tone={secondFactor ? "good" : "calm"}>
            {secondFactor ? words.people.factorOn : words.people.factorOff}
          </Tag>
        </dd>
        {lockedUntil !== null && (
          <>
            <dt>{words.people.locked}</dt>
            <dd>
              <Moment iso={lockedUntil} zone="UTC" lang={visit.lang} /> <small>{words.common.timesIn("UTC")}</small>
            </dd>
          </>
        )}
      </dl>
      {mayChange && <PersonForm visit={visit} person={person} sites={sites} faults={faults} />}
    </Frame>
  );
}

function ErasedPerson({ visit, id }: { visit: Visit; id: string }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.people.erased} at="/people">
      <div class="head">
        <h1>{id}</h1>
        <State state="erased" visit={visit} />
      </div>
      <p>{words.people.erasedText}</p>
    </Frame>
  );
}

interface PersonFormProps extends PartProps {
  readonly person: SeenPerson;
  readonly sites: readonly SeenSite[];
}

function PersonForm({ visit, person, sites, faults }: PersonFormProps) {
  const { words } = visit;
  const { id, name, role, state, secondFactor } = person;
  const isSelf = visit.actor!.id === id;
  return (
    <>
      <Form action={`/people/${id}`} words={words} faults={faults} submit={words.common.save}>
        <Field
          name="name"
          label={words.people.name}
          words={words}
          faults={faults}
          value={name}
          required
          autocomplete="off"
        />
        <RoleField visit={visit} role={role} faults={faults} />
        <SitesField visit={visit} sites={sites} chosen={person.sites} faults={faults} />
      </Form>
      <div class="row">
        <PostButton action={`/people/${id}/reset-link`} text={words.people.reset} />
        <PostButton action={`/people/${id}/sign-out`} text={words.people.signOutAll} />
        {secondFactor && !isSelf && <a href={`/people/${id}/second-factor`}>{words.people.factorForget}</a>}
        {state === "disabled" ? (
          <PostButton action={`/people/${id}/enable`} text={words.people.enable} />
        ) : (
          !isSelf && <a href={`/people/${id}/disable`}>{words.people.disable}</a>
        )}
        {!isSelf && <a href={`/people/${id}/erase`}>{words.people.erase}</a>}
        <a href={`/api/people/${id}/personal-data`} download={`${id}.json`}>
          {words.people.data}
        </a>
      </div>
    </>
  );
}

function PostButton({ action, text }: { action: string; text: string }) {
  return (
    <form method="post" action={action}>
      <button type="submit" class="secondary">
        {text}
      </button>
    </form>
  );
}
