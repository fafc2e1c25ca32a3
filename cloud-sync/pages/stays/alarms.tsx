/** Alarms of stays: what somebody should do something about, the open ones first. */
import { may } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { query } from "../own-api.ts";
import type { PageBook } from "../page-book.tsx";
import { Form } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Empty, Notice, Table, Tag } from "../parts/show.tsx";
import { listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import type { SeenAlarm } from "./stay-shapes.ts";

export function addAlarmPages(book: PageBook): void {
  book.get("/alarms", "stays.read", async (c, visit) => {
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.stays.alarms} at="/alarms">
        <h1>{words.stays.alarms}</h1>
        <p>{words.stays.alarmsLead}</p>
        {c.req.query("done") === "settled" && <Notice>{words.stays.settled}</Notice>}
        {await listPart(visit, c.req.query("after"))}
      </Frame>,
    );
  });

  book.get("/alarms/list", "stays.read", async (c, visit) => c.html(await listPart(visit, c.req.query("after"))));

  book.post("/alarms/:alarm/settle", "stays.change", async (c, visit) => {
    await visit.api.send("POST", `/api/stay-alarms/${encodeURIComponent(c.req.param("alarm")!)}/settle`);
    return c.redirect("/alarms?done=settled", 303);
  });
}

const readAlarms = ({ api }: Visit, asked: Readonly<Record<string, string | number | undefined>>) =>
  api.get<{ items: readonly SeenAlarm[]; next: string | null }>(`/api/stay-alarms${query(asked)}`);

async function listPart(visit: Visit, after: string | undefined) {
  const { words, lang, actor } = visit;
  const { stays } = words;
  const { items, next } = await readAlarms(visit, { open: "true", after });
  const zones = new Map((await listSites(visit)).map(({ id, zone }) => [id, knownZone(zone)]));
  const settle = ({ id, site }: SeenAlarm) =>
    may(actor!, "stays.change", { site }) && (
      <Form action={`/alarms/${id}/settle`} words={words} submit={stays.settle} tone="secondary" class="row" />
    );
  return (
    <div id="alarms" {...refreshed(`/alarms/list${query({ after })}`, 10)}>
      {items.length === 0 && <Empty title={stays.noAlarms} text={stays.noAlarmsText} />}
      {items.length > 0 && (
        <Table
          caption={stays.alarms}
          rows={items}
          columns={[
            {
              head: words.common.what,
              cell: ({ kind, about }) => (
                <a href={kind === "source-stale" ? "/sources" : `/stays/${about}`}>{stays.alarmKinds[kind]}</a>
              ),
            },
            {
              head: words.common.when,
              cell: ({ raisedAt, site }) => <Moment iso={raisedAt} zone={zones.get(site) ?? "UTC"} lang={lang} />,
            },
            { head: stays.settle, cell: settle },
          ]}
        />
      )}
      {next && <a href={`/alarms${query({ after: next })}`}>{words.common.next}</a>}
    </div>
  );
}

/** Those of a stay that are open; nothing where there are none. */
export async function AlarmsOf({ visit, about }: { visit: Visit; about: string }) {
  const { items } = await readAlarms(visit, { about, open: "true" });
  if (items.length === 0) return null;
  return (
    <div class="notice bad" role="status">
      {items.map(({ kind }) => (
        <p>
          <Tag tone="bad">{visit.words.stays.alarm}</Tag> {visit.words.stays.alarmKinds[kind]}
        </p>
      ))}
    </div>
  );
}
