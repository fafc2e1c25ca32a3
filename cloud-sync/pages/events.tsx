/** What happens at the doors of a site; the list fetches itself again and again. */
import type { DenyReason } from "../../gateway/domain/decide.ts";
import { denialTexts } from "../../gateway/domain/denial-text.ts";
import { Frame } from "./frame.tsx";
import { NoSite } from "./grants.tsx";
import { query } from "./own-api.ts";
import type { PageBook } from "./page-book.tsx";
import { knownZone, Moment } from "./parts/moments.tsx";
import { refreshed } from "./parts/refreshed.ts";
import { Empty, Table, Tag, type Tone } from "./parts/show.tsx";
import { chosenSite, SiteChoice } from "./parts/site-choice.tsx";
import { listDoors, listSites, type SeenSite, sitePath } from "./sites.tsx";
import type { Visit } from "./visit.ts";

interface SeenEvent {
  readonly at: string;
  readonly type: string;
  readonly accessPoint: string | null;
  readonly reason: string | null;
  readonly event: { readonly device?: string; readonly clock?: string } | null;
}

const shown = 50;
const tones: Readonly<Record<string, Tone>> = {
  admitted: "good",
  "opened-at-lock": "good",
  denied: "bad",
  tamper: "bad",
  "pin-guessing": "bad",
  "pass-guessing": "bad",
  "relock-failed": "bad",
};

export function addEventPages(book: PageBook): void {
  book.get("/events", "events.read", async (c, visit) => {
    const { words } = visit;
    const sites = await listSites(visit);
    const site = chosenSite(sites, c.req.query("site"));
    if (!site) return c.html(<NoSite visit={visit} />);
    return c.html(
      <Frame visit={visit} title={words.events.title} at="/events">
        <h1>{words.events.title}</h1>
        <p>
          {words.events.lead} <small>{words.common.timesIn(knownZone(site.zone))}</small>
        </p>
        {sites.length > 1 && (
          <form class="filter" action="/events">
            <SiteChoice sites={sites} site={site} words={words} />
            <button type="submit">{words.common.show}</button>
          </form>
        )}
        {await list(visit, site)}
      </Frame>,
    );
  });

  book.get("/events/list", "events.read", async (c, visit) => {
    const site = chosenSite(await listSites(visit), c.req.query("site"));
    return site ? c.html(await list(visit, site)) : c.body(null, 204);
  });
}

async function list(visit: Visit, site: SeenSite) {
  const { words, lang, api } = visit;
  const [{ items }, doors] = await Promise.all([
    api.get<{ items: readonly SeenEvent[] }>(`${sitePath(site.id)}/events?limit=${shown}`),
    listDoors(visit, site.id),
  ]);
  const nameOf = new Map(doors.map(({ id, name }) => [id, name]));
  const zone = knownZone(site.zone);
  return (
    <div id="events" {...refreshed(`/events/list${query({ site: site.id })}`, 3)}>
      {items.length === 0 ? (
        <Empty title={words.events.empty} text={words.events.emptyText} />
      ) : (
        <Table
          caption={words.events.title}
          rows={items}
          columns={[
            {
              head: words.common.when,
              cell: ({ at, event }) =>
                event?.clock === "unset" ? words.events.unknownTime : <Moment iso={at} zone={zone} lang={lang} />,
            },
            {
              head: words.codes.door,
              cell: ({ accessPoint, event }) =>
                accessPoint === null ? (event?.device ?? "–") : (nameOf.get(accessPoint) ?? accessPoint),
            },
            {
              head: words.common.what,
              cell: ({ type }) => <Tag tone={tones[type] ?? "calm"}>{words.events.types[type] ?? type}</Tag>,
            },
            { head: words.events.why, cell: ({ reason }) => (reason === null ? "" : reasonWords(reason, visit)) },
          ]}
        />
      )}
    </div>
  );
}

function reasonWords(reason: string, { lang }: Visit): string {
  return reason in denialTexts ? denialTexts[reason as DenyReason][lang] : reason;
}
