/** Keys by which programs sign in: listed, made with what they may do and until when, shown once, ended. */
import { type ApiKeyState, usualKeyLifeMs } from "../domain/api-key-state.ts";
import { type Action, actions, notForKeys, type Role, reachOf, roles } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { Choices, Field, Form } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { RoleField, SitesField } from "./parts/role-fields.tsx";
import { Confirmation, Empty, Notice, Secret, Table, Tag, type Tone } from "./parts/show.tsx";
import { namesOf } from "./people-names.ts";
import { listSites, type SeenSite } from "./sites.tsx";
import type { Visit } from "./visit.ts";

interface SeenKey {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly createdBy: string;
  readonly usedAt: string | null;
  readonly expiresAt: string;
  readonly state: ApiKeyState;
}

interface GivenKey {
  readonly name: string;
  readonly role: string;
  readonly sites: readonly string[];
  readonly scopes: readonly string[];
  readonly lastDay: string;
}

const keysPath = "/api/api-keys";
const keyForm = "key-form";
/** As long as the API lets one live that says nothing of its end, less the rest of this day. */
const usualDays = usualKeyLifeMs / 86_400_000 - 1;
const stateTones = { live: "good", expired: "calm", revoked: "calm", "maker-gone": "bad" } as const satisfies Record<
  ApiKeyState,
  Tone
>;
/** Keys belong to no site. */
const zone = "UTC";

export function addApiKeyPages(book: PageBook): void {
  book.get("/api-keys", "people.read", async (c, visit) => c.html(await keysPage(visit, c.req.query("done"))));

  book.get("/api-keys/new", "people.change", async (c, visit) => {
    const day = Temporal.Instant.fromEpochMilliseconds(book.now()).toZonedDateTimeISO(zone).toPlainDate();
    const given = { name: "", role: "agency", sites: [], scopes: [], lastDay: day.add({ days: usualDays }).toString() };
    return c.html(<NewKey visit={visit} sites={await listSites(visit)} given={given} />);
  });

  book.get("/api-keys/scopes", "people.change", (c, visit) => {
    const scopes = new URL(c.req.url).searchParams.getAll("scopes");
    return c.html(<Scopes visit={visit} role={c.req.query("role") ?? ""} chosen={scopes} />);
  });

  book.post("/api-keys", "people.change", async (c, visit) => {
    const given = readForm(await FormWords.of(c));
    try {
      const { key, token } = await visit.api.send<{ key: SeenKey; token: string }>("POST", keysPath, orderOf(given));
      return c.html(<MadePage visit={visit} name={key.name} token={token} />);
    } catch (error) {
      const faults = faultsFrom(error, { expiresAt: "lastDay" });
      return c.html(<NewKey visit={visit} sites={await listSites(visit)} given={given} faults={faults} />, 422);
    }
  });

  book.get("/api-keys/:key/end", "people.change", async (c, visit) => {
    const { words } = visit;
    const id = c.req.param("key")!;
    const { items } = await visit.api.get<{ items: readonly SeenKey[] }>(keysPath);
    const title = words.keys.endTitle(items.find((one) => one.id === id)?.name ?? id);
    return c.html(
      <Frame visit={visit} title={title} at="/api-keys">
        <Confirmation
          title={title}
          text={words.keys.endText}
          yes={words.keys.endYes}
          action={`/api-keys/${id}/end`}
          back="/api-keys"
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/api-keys/:key/end", "people.change", async (c, visit) => {
    await visit.api.send("DELETE", `${keysPath}/${encodeURIComponent(c.req.param("key")!)}`);
    return c.redirect("/api-keys?done=ended", 303);
  });
}

function readForm(form: FormWords): GivenKey {
  return {
    name: form.text("name"),
    role: form.text("role"),
    sites: form.all("sites"),
    scopes: form.all("scopes"),
    lastDay: form.text("lastDay"),
  };
}

function orderOf({ lastDay, ...given }: GivenKey) {
  return { ...given, ...(lastDay !== "" && { expiresAt: endOf(lastDay) }) };
}

/** The last day counts whole. What is no day goes on as it was typed: the API says what is wrong with it. */
function endOf(day: string): string {
  try {
    return Temporal.PlainDate.from(day).add({ days: 1 }).toZonedDateTime(zone).toInstant().toString();
  } catch {
    return day;
  }
}

async function keysPage(visit: Visit, done: string | undefined) {
  const { words, lang, api } = visit;
  const { keys } = words;
  const mayChange = reachOf(visit.actor!, "people.change") !== undefined;
  const [{ items }, nameOf] = await Promise.all([api.get<{ items: readonly SeenKey[] }>(keysPath), namesOf(visit)]);
  return (
    <Frame visit={visit} title={keys.title} at="/api-keys">
      <div class="head">
        <h1>{keys.title}</h1>
        {mayChange && (
          <a class="button" href="/api-keys/new">
            {keys.make}
          </a>
        )}
      </div>
      <p>
        {keys.lead} <small>{words.common.timesIn(zone)}</small>
      </p>
      {done === "ended" && <Notice>{keys.ended}</Notice>}
      {items.length === 0 ? (
        <Empty title={keys.empty} text={keys.emptyText} />
      ) : (
        <Table
          caption={keys.title}
          rows={items}
          columns={[
            {
              head: words.common.name,
              cell: ({ name, createdAt, createdBy }) => (
                <>
                  {name}
                  <small class="fine">
                    {keys.madeBy(nameOf.get(createdBy) ?? createdBy)} <Moment iso={createdAt} zone={zone} lang={lang} />
                  </small>
                </>
              ),
            },
            { head: words.people.role, cell: ({ role }) => words.roles[role] },
            { head: keys.scopes, cell: ({ scopes }) => <Allowed scopes={scopes} visit={visit} /> },
            {
              head: keys.used,
              cell: ({ usedAt }) =>
                usedAt === null ? words.common.never : <Moment iso={usedAt} zone={zone} lang={lang} />,
            },
            { head: keys.expires, cell: ({ expiresAt }) => <Moment iso={expiresAt} zone={zone} lang={lang} /> },
            {
              head: words.common.state,
              cell: ({ id, name, state }) => (
                <>
                  <Tag tone={stateTones[state]}>{keys.states[state]}</Tag>{" "}
                  {mayChange && state === "live" && (
                    <a href={`/api-keys/${id}/end`} aria-label={`${keys.end}: ${name}`}>
                      {keys.end}
                    </a>
                  )}
                </>
              ),
            },
          ]}
        />
      )}
    </Frame>
  );
}

const isKnown = (scope: string): scope is Action => (actions as readonly string[]).includes(scope);

/** Folded away where there are many. */
function Allowed({ scopes, visit: { words } }: { scopes: readonly string[]; visit: Visit }) {
  const list = (
    <ul class="plain-list">
      {scopes.map((scope) => (
        <li>{isKnown(scope) ? words.actions[scope] : scope}</li>
      ))}
    </ul>
  );
  if (scopes.length <= 2) return list;
  return (
    <details>
      <summary>{words.keys.things(scopes.length)}</summary>
      {list}
    </details>
  );
}

interface NewKeyProps {
  readonly visit: Visit;
  readonly sites: readonly SeenSite[];
  readonly given: GivenKey;
  readonly faults?: FieldFaults;
}

function NewKey({ visit, sites, given, faults }: NewKeyProps) {
  const { words } = visit;
  const { keys } = words;
  return (
    <Frame visit={visit} title={keys.make} at="/api-keys">
      <h1>{keys.make}</h1>
      <p>{keys.makeLead}</p>
      <Form action="/api-keys" id={keyForm} words={words} faults={faults} submit={keys.submit}>
        <Field
          name="name"
          label={keys.name}
          hint={keys.nameHint}
          words={words}
          faults={faults}
          value={given.name}
          required
          autocomplete="off"
        />
        <RoleField visit={visit} role={given.role} faults={faults} />
        <SitesField visit={visit} sites={sites} chosen={given.sites} faults={faults} />
        <Scopes visit={visit} role={given.role} chosen={given.scopes} faults={faults} />
        <Field
          name="lastDay"
          type="date"
          label={keys.lastDay}
          hint={keys.lastDayHint}
          words={words}
          faults={faults}
          value={given.lastDay}
        />
      </Form>
    </Frame>
  );
}

interface ScopesProps {
  readonly visit: Visit;
  readonly role: string;
  readonly chosen: readonly string[];
  readonly faults?: FieldFaults | undefined;
}

/** What the role may do; fetched anew when another role is chosen. */
function Scopes({ visit: { words }, role, chosen, faults }: ScopesProps) {
  const known = roles.find((one) => one === role) ?? "agency";
  const open = actions.filter((action) => !notForKeys.includes(action) && reachOf({ role: known }, action));
  return (
    <div
      id="scopes"
      hx-get="/api-keys/scopes"
      hx-trigger={`change from:#${keyForm} [name=role]`}
      hx-include={`#${keyForm} [name=role], #${keyForm} [name=scopes]`}
      hx-swap="outerMorph"
    >
      <Choices
        name="scopes"
        label={words.keys.scopes}
        hint={words.keys.scopesHint}
        words={words}
        faults={faults}
        values={chosen}
        choices={open.map((value) => ({ value, label: words.actions[value] }))}
      />
    </div>
  );
}

function MadePage({ visit, name, token }: { visit: Visit; name: string; token: string }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.keys.made} at="/api-keys">
      <h1>{words.keys.made}</h1>
      <p>{words.keys.madeLead(name)}</p>
      <Secret text={token} words={words} />
      <p>{words.keys.madeHint}</p>
      <p>
        <a class="button" href="/api-keys">
          {words.common.back}
        </a>
      </p>
    </Frame>
  );
}
