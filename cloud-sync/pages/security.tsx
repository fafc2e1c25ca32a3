/** Security events: what looked like an attack, by urgency; looked at and resolved by an administrator. */
import { reachOf } from "../domain/permissions.ts";
import { Frame } from "./frame.tsx";
import { query } from "./own-api.ts";
import { FormWords, type PageBook, type PageContext } from "./page-book.tsx";
import { Fault } from "./parts/fault.tsx";
import { Select } from "./parts/form.tsx";
import { inZone, Moment } from "./parts/moments.tsx";
import { Empty, Notice, Table, Tag, type Tone } from "./parts/show.tsx";
import { namesOf } from "./people-names.ts";
import type { Visit } from "./visit.ts";

const severities = ["alarm", "warning", "notice"] as const;
type Severity = (typeof severities)[number];

interface SeenSecurity {
  readonly id: string;
  readonly kind: string;
  readonly severity: Severity;
  readonly subject: string | null;
  readonly address: string | null;
  readonly device: string | null;
  readonly detail: string | null;
  readonly count: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
}

const tones = { alarm: "bad", warning: "warn", notice: "calm" } as const satisfies Record<Severity, Tone>;
/** What the page asks for, and the API's word for it; open ones are shown unless others are asked for. */
const resolvedOf: Readonly<Record<string, string | undefined>> = { open: "no", resolved: "yes", all: undefined };
/** They belong to no site. */
const zone = "UTC";

export function addSecurityPages(book: PageBook): void {
  book.get("/security", "security.read", async (c, visit) => c.html(await securityPage(c, visit)));

  book.post("/security/:event/resolve", "security.resolve", async (c, visit) => {
    const form = await FormWords.of(c);
    await visit.api.send("POST", `/api/security-events/${encodeURIComponent(c.req.param("event")!)}/resolve`);
    const filter = { state: form.text("state"), severity: form.text("severity") };
    return c.redirect(`/security${query({ ...filter, done: "resolved" })}`, 303);
  });
}

interface Filter {
  readonly state: string;
  readonly severity: string | undefined;
}

async function securityPage(c: PageContext, visit: Visit) {
  const { words, api } = visit;
  const { security } = words;
  const wanted = c.req.query("state") ?? "";
  const filter: Filter = { state: wanted in resolvedOf ? wanted : "open", severity: c.req.query("severity") };
  const asked = { severity: filter.severity, resolved: resolvedOf[filter.state], after: c.req.query("after") };
  const { items, next } = await api.get<{ items: readonly SeenSecurity[]; next: string | null }>(
    `/api/security-events${query(asked)}`,
  );
  const isQuiet = filter.state === "open" && !filter.severity;
  return (
    <Frame visit={visit} title={security.title} at="/security">
      <h1>{security.title}</h1>
      <p>
        {security.lead} <small>{words.common.timesIn(zone)}</small>
      </p>
      {c.req.query("done") === "resolved" && <Notice>{security.resolvedNow}</Notice>}
      <form class="filter" action="/security">
        <Select
          name="state"
          label={words.common.state}
          words={words}
          value={filter.state}
          choices={Object.entries(security.states).map(([value, label]) => ({ value, label }))}
        />
        <Select
          name="severity"
          label={security.severity}
          words={words}
          value={filter.severity}
          choices={[
            { value: "", label: words.common.all },
            ...severities.map((value) => ({ value, label: security.severities[value] })),
          ]}
        />
        <button type="submit">{words.common.show}</button>
      </form>
      {items.length === 0 ? (
        <Empty
          title={isQuiet ? security.quiet : security.empty}
          text={isQuiet ? security.quietText : security.emptyText}
        />
      ) : (
        <EventTable items={items} nameOf={await namesOf(visit)} filter={filter} visit={visit} />
      )}
      {next && <a href={`/security${query({ ...filter, after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

interface EventTableProps {
  readonly items: readonly SeenSecurity[];
  readonly nameOf: ReadonlyMap<string, string>;
  readonly filter: Filter;
  readonly visit: Visit;
}

function EventTable({ items, nameOf, filter, visit }: EventTableProps) {
  const { words, lang } = visit;
  const { security } = words;
  const mayResolve = reachOf(visit.actor!, "security.resolve") !== undefined;
  return (
    <Table
      caption={security.title}
      rows={items}
      columns={[
        { head: words.common.what, cell: (one) => <What event={one} visit={visit} /> },
        {
          head: security.severity,
          cell: ({ severity }) => <Tag tone={tones[severity]}>{security.severities[severity]}</Tag>,
        },
        {
          head: security.whom,
          cell: ({ subject }) => (subject === null ? "–" : (nameOf.get(subject) ?? subject)),
        },
        {
          head: security.from,
          cell: ({ address, device }) => (
            <>
              {address ?? "–"} {device && device !== "unknown" && <small class="fine">{device}</small>}
            </>
          ),
        },
        {
          head: security.last,
          cell: ({ firstAt, lastAt, count }) => (
            <>
              <Moment iso={lastAt} zone={zone} lang={lang} />{" "}
              {count > 1 && <small class="fine">{security.times(count, inZone(firstAt, zone, lang))}</small>}
            </>
          ),
        },
        {
          head: words.common.state,
          cell: ({ id, kind, resolvedAt, resolvedBy }) =>
            resolvedAt !== null ? (
              <>
                <Tag tone="good">{security.resolved}</Tag>{" "}
                <small class="fine">{nameOf.get(resolvedBy ?? "") ?? resolvedBy}</small>
              </>
            ) : mayResolve ? (
              <form method="post" action={`/security/${id}/resolve`}>
                <input type="hidden" name="state" value={filter.state} />
                <input type="hidden" name="severity" value={filter.severity ?? ""} />
                <button
                  type="submit"
                  class="plain"
                  aria-label={`${security.resolve}: ${security.kinds[kind]?.name ?? kind}`}
                >
                  {security.resolve}
                </button>
              </form>
            ) : (
              <Tag tone="warn">{security.open}</Tag>
            ),
        },
      ]}
    />
  );
}

/** Known kinds say what they mean and what to do; of any other its own sentence stands here. */
function What({ event: { kind, detail }, visit: { words } }: { event: SeenSecurity; visit: Visit }) {
  const known = words.security.kinds[kind];
  const said = known ? { own: known.hint } : detail;
  return (
    <>
      {known?.name ?? kind}
      {said && (
        <small class="fine">
          <Fault text={said} words={words} />
        </small>
      )}
    </>
  );
}
