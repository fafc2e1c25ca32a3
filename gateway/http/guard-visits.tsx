/** Who is inside, and what happened at the gates: the list of a shift. */
import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { RequestIdEnv } from "../../web/problem.ts";
import type { GuardDesk } from "./guard-desk.ts";
import { Frame, type GuardVisit } from "./guard-frame.tsx";
import { gateOf } from "./guard-routes.ts";
import { localMoment } from "./guard-verdict.tsx";
import { type GuardWords, guardWords } from "./guard-words.ts";
import { pathOf } from "./language-switch.tsx";

type VisitState = keyof GuardWords["visits"]["states"];

/** What the page reads of GET /visits. */
interface Visit {
  readonly entry: number;
  readonly at: string;
  readonly name: string | null;
  readonly host_name: string | null;
  readonly type: string | null;
  readonly note: string | null;
  readonly gate: string;
  readonly guard: string | null;
  readonly state: VisitState;
  readonly left_at: string | null;
  readonly photo: string | null;
}
interface Visits {
  readonly items: readonly Visit[];
  readonly next: number | null;
}

const hourMs = 3_600_000;
const tones: Readonly<Record<VisitState, string>> = {
  inside: "good",
  left: "",
  "turned-away": "bad",
  denied: "bad",
  "not-moved": "warn",
  "under-way": "warn",
};

const filterNames = ["state", "since", "guard", "gate", "before"] as const;
type Filter = Readonly<Record<(typeof filterNames)[number], string>>;

export function addVisitsPage(app: Hono<RequestIdEnv>, desk: GuardDesk): void {
  const { site } = desk.sources;

  app.get("/guard/visits", async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, pathOf(c));
    const filter = Object.fromEntries(filterNames.map((name) => [name, c.req.query(name) ?? ""])) as Filter;
    const shown = { ...filter, state: filter.state === "" ? "inside" : filter.state };
    const visits = await desk.api<Visits>(c, "GET", `/visits?${asked(shown, visit, desk.now())}`);
    return c.html(<VisitsPage visit={visit} filter={shown} visits={visits} />);
  });

  app.post("/guard/leave", async (c) => {
    const visit = desk.visit(c);
    if (!visit) return desk.signIn(c, "/guard/visits");
    const { entry, gate, nonce } = await c.req.parseBody();
    const access_point = gateOf(site, typeof gate === "string" ? gate : undefined).id;
    await desk.api(c, "POST", "/log-exit", { entry: Number(entry), access_point, nonce });
    return c.redirect("/guard/visits", 303);
  });
}

function asked({ since, guard, ...filter }: Filter, { session }: GuardVisit, now: number): string {
  const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== ""));
  if (guard !== "") query.set("guard", session.member.id);
  const hours = Number(since);
  if (hours > 0) query.set("since", new Date(Math.max(0, now - hours * hourMs)).toISOString());
  return query.toString();
}

function VisitsPage({ visit, filter, visits }: { visit: GuardVisit; filter: Filter; visits: Visits }) {
  const { visits: words, ...guard } = guardWords[visit.language];
  const older = new URLSearchParams({ ...filter, before: String(visits.next) });
  return (
    <Frame visit={visit}>
      <h2>{filter.state === "inside" ? words.inside : words.all}</h2>
      <Filters visit={visit} filter={filter} />
      {visits.items.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <ul class="visits">
          {visits.items.map((one) => (
            <VisitItem visit={visit} one={one} />
          ))}
        </ul>
      )}
      {visits.next !== null && (
        <p>
          <a class="next" href={`/guard/visits?${older}`}>
            {words.older}
          </a>
        </p>
      )}
      <p>
        <a href="/guard">{guard.scan}</a>
      </p>
    </Frame>
  );
}

function VisitItem({ visit, one }: { visit: GuardVisit; one: Visit }) {
  const { visits: words } = guardWords[visit.language];
  const zone = visit.site.records.site?.zone ?? "UTC";
  const moment = (at: string) => localMoment(Date.parse(at), zone);
  const name = one.name ?? words.nobody;
  const [gate] = visit.site.accessPoints.keys();
  return (
    <li>
      {one.photo !== null && <img src={`/photos/${one.photo}`} alt="" loading="lazy" />}
      <div>
        <p>
          <strong>{name}</strong> <span class={`tag ${tones[one.state]}`}>{words.states[one.state]}</span>
        </p>
        <p>
          {moment(one.at)}
          {one.left_at !== null && ` – ${moment(one.left_at)}`}
        </p>
        <p>
          <small>{factsOf(visit, one)}</small>
        </p>
        {one.state === "inside" && (
          <form method="post" action="/guard/leave" data-send>
            <input type="hidden" name="entry" value={one.entry} />
            <input type="hidden" name="gate" value={gate} />
            <input type="hidden" name="nonce" value={randomUUID()} />
            <button type="submit" class="outline" aria-label={`${words.leaves}: ${name}`}>
              {words.leaves}
            </button>
          </form>
        )}
      </div>
    </li>
  );
}

function factsOf({ language }: GuardVisit, { gate, guard, host_name, type, note }: Visit): string {
  const words = guardWords[language];
  return [
    gate,
    type && (words.types[type] ?? type),
    host_name && `${words.host}: ${host_name}`,
    guard && `${words.visits.guard}: ${guard}`,
    note,
  ]
    .filter(Boolean)
    .join(" · ");
}

function Filters({ visit, filter }: { visit: GuardVisit; filter: Filter }) {
  const { visits: words, gateLabel } = guardWords[visit.language];
  const gates = Object.fromEntries([...visit.site.accessPoints.values()].map(({ id, name }) => [id, name]));
  const choices = [
    { name: "state", label: words.which, options: { all: words.all, ...words.states } },
    { name: "since", label: words.since, options: { "": words.ever, ...words.hours } },
    { name: "guard", label: words.guard, options: { "": words.everybody, me: words.me } },
    { name: "gate", label: gateLabel, options: { "": words.any, ...gates } },
  ] as const;
  return (
    <details>
      <summary>{words.filter}</summary>
      <form method="get" action="/guard/visits" class="narrow">
        {choices.map(({ name, label, options }) => (
          <label>
            {label}
            <select name={name}>
              {Object.entries(options).map(([value, text]) => (
                <option value={value} selected={filter[name] === value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
        ))}
        <button type="submit">{words.show}</button>
      </form>
    </details>
  );
}
