/** What the service does by itself: when it did, how it went, and now. */
import type { JobName } from "../../domain/job-names.ts";
import { reachOf } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import type { PageBook } from "../page-book.tsx";
import { Form } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Notice, Table, Tag } from "../parts/show.tsx";
import { listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";

interface SeenJob {
  readonly name: JobName;
  readonly ranAt: string | null;
  readonly done: number | null;
  readonly failed: boolean;
  readonly nextAt: string | null;
}

export function addJobPages(book: PageBook): void {
  book.get("/jobs", "jobs.read", async (c, visit) => {
    const { words } = visit;
    return c.html(
      <Frame visit={visit} title={words.stays.jobs} at="/jobs">
        <h1>{words.stays.jobs}</h1>
        <p>{words.stays.jobsLead}</p>
        {c.req.query("done") === "wanted" && <Notice>{words.stays.jobWanted}</Notice>}
        {await listPart(visit)}
      </Frame>,
    );
  });

  book.get("/jobs/list", "jobs.read", async (c, visit) => c.html(await listPart(visit)));

  book.post("/jobs/:job/run", "jobs.run", async (c, visit) => {
    await visit.api.send("POST", `/api/jobs/${encodeURIComponent(c.req.param("job")!)}/run`);
    return c.redirect("/jobs?done=wanted", 303);
  });
}

async function listPart(visit: Visit) {
  const { words, lang, api, actor } = visit;
  const { stays } = words;
  const { items } = await api.get<{ items: readonly SeenJob[] }>("/api/jobs");
  const zone = knownZone((await listSites(visit))[0]?.zone);
  const reach = reachOf(actor!, "jobs.run");
  const moment = (iso: string | null) =>
    iso === null ? words.common.never : <Moment iso={iso} zone={zone} lang={lang} />;
  const run = ({ name }: SeenJob) =>
    reach !== undefined &&
    (name !== "housekeeping" || reach === "every") && (
      <Form action={`/jobs/${name}/run`} words={words} submit={stays.runNow} tone="secondary" class="row" />
    );
  return (
    <div id="jobs" {...refreshed("/jobs/list", 5)}>
      <Table
        caption={stays.jobs}
        rows={items}
        columns={[
          { head: words.common.what, cell: ({ name }) => stays.jobNames[name] },
          { head: stays.lastRun, cell: ({ ranAt }) => moment(ranAt) },
          {
            head: stays.result,
            cell: ({ failed, done, ranAt }) =>
              ranAt === null ? (
                "–"
              ) : failed ? (
                <Tag tone="bad">{stays.jobFailed}</Tag>
              ) : (
                <Tag tone="good">{stays.jobDone(done ?? 0)}</Tag>
              ),
          },
          { head: stays.nextRun, cell: ({ nextAt }) => moment(nextAt) },
          { head: stays.runNow, cell: run },
        ]}
      />
      <p>
        <small>{words.common.timesIn(zone)}</small>
      </p>
    </div>
  );
}
