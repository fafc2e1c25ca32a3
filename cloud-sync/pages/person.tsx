/** One person: what is known of the account, its name, role and sites, and what an administrator can do about it. */
import { type Role, reachOf } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import type { FieldFaults } from "./own-api.ts";
import type { PageContext } from "./page-book.tsx";
import { Field, Form } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { type PartProps, RoleField, SitesField } from "./parts/role-fields.tsx";
import { Notice, Tag, type Tone } from "./parts/show.tsx";
import { listSites, type SeenSite } from "./sites.tsx";
import type { Visit } from "./visit.ts";

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

export const personPath = (c: PageContext) => `/api/people/${encodeURIComponent(c.req.param("person")!)}`;

export function State({ state, visit: { words } }: { state: SeenPerson["state"]; visit: Visit }) {
  if (state === "erased") return <Tag tone="bad">{words.people.erased}</Tag>;
  if (state === "active") return <Tag tone="good">{words.people.active}</Tag>;
  return state === "disabled" ? (
    <Tag tone="bad">{words.people.disabled}</Tag>
  ) : (
    <Tag tone="warn">{words.people.invitedState}</Tag>
  );
}

interface SeenMail {
  readonly state: "waiting" | "sent" | "failed";
  readonly why: string | null;
  readonly at: string;
}

const mailTones = { waiting: "warn", sent: "good", failed: "bad" } as const satisfies Record<SeenMail["state"], Tone>;

export async function personPage(c: PageContext, visit: Visit, faults?: FieldFaults) {
  const { words, api } = visit;
  const [person, sites, mails] = await Promise.all([
    api.get<SeenPerson>(personPath(c)),
    listSites(visit),
    api.get<{ items: readonly SeenMail[] }>(`${personPath(c)}/mails`),
  ]);
  const mail = mails.items[0];
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
        {mail && (
          <>
            <dt>{words.people.lastMail}</dt>
            <dd>
              <Tag tone={mailTones[mail.state]}>{words.people.mailStates[mail.state]}</Tag>{" "}
              <Moment iso={mail.at} zone="UTC" lang={visit.lang} /> {mail.why && <small>{mail.why}</small>}
            </dd>
          </>
        )}
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
