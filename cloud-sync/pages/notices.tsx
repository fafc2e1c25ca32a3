/** Notifications: what one is told of one's visitors, by which way, and in which browsers. */
import type { Hono } from "hono";
import { asset, serveAssets } from "../../web/assets.ts";
import { HttpProblem } from "../../web/problem.ts";
import { type NoticeChoice, noticeWays } from "../domain/notice-choice.ts";
import { Frame } from "./frame.tsx";
import { type FieldFaults, faultsFrom } from "./own-api.ts";
import { FormWords, type PageBook } from "./page-book.tsx";
import { Choices, Form } from "./parts/form.tsx";
import { Moment } from "./parts/moments.tsx";
import { Notice, Table } from "./parts/show.tsx";
import type { PageEnv, Visit } from "./visit.ts";

const script = asset(import.meta.resolve("./assets/push.js"));
const worker = asset(import.meta.resolve("./assets/push-worker.js"));
/** Not below /assets: a worker serves what stands below its own address. */
const workerPath = "/push-worker.js";

interface SeenBrowsers {
  readonly key: string;
  readonly items: readonly {
    readonly id: string;
    readonly device: string;
    readonly createdAt: string;
    readonly usedAt: string | null;
  }[];
}

export function addNoticeAssets(app: Hono<PageEnv>): void {
  serveAssets(app, [script]);
  app.get(workerPath, (c) => c.body(worker.body, 200, { "content-type": worker.type, "cache-control": "no-cache" }));
}

export function addNoticePages(book: PageBook): void {
  book.get("/account/notices", "account.self", async (c, visit) =>
    c.html(await noticesPage(visit, { done: c.req.query("done") })),
  );

  book.post("/account/notices", "account.self", async (c, visit) => {
    const form = await FormWords.of(c);
    const about = form.all("about");
    const given = {
      channel: form.text("channel"),
      entries: about.includes("entries"),
      denials: about.includes("denials"),
    };
    try {
      await visit.api.send("PUT", "/api/me/notices", given);
      return c.redirect("/account/notices?done=saved", 303);
    } catch (error) {
      return c.html(await noticesPage(visit, { faults: faultsFrom(error) }), 422);
    }
  });

  // What the script has from the browser.
  book.post("/account/notices/browsers", "account.self", async (c, visit) => {
    const form = await FormWords.of(c);
    try {
      await visit.api.send("POST", "/api/me/push", readSubscription(form.exact("subscription")));
      return c.redirect("/account/notices?done=added", 303);
    } catch (error) {
      return c.html(await noticesPage(visit, { browserFaults: faultsFrom(error, { endpoint: "", keys: "" }) }), 422);
    }
  });

  book.post("/account/notices/browsers/:browser/remove", "account.self", async (c, visit) => {
    await visit.api.send("DELETE", `/api/me/push/${encodeURIComponent(c.req.param("browser")!)}`);
    return c.redirect("/account/notices?done=removed", 303);
  });
}

function readSubscription(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new HttpProblem(400, "malformed-form", "The body is not a form.");
  }
}

interface NoticesNews {
  readonly done?: string | undefined;
  readonly faults?: FieldFaults;
  readonly browserFaults?: FieldFaults;
}

async function noticesPage(visit: Visit, { done, faults, browserFaults }: NoticesNews) {
  const { words, lang, api } = visit;
  const { notices } = words;
  const choice = await api.get<NoticeChoice>("/api/me/notices");
  const { key, items } = await api.get<SeenBrowsers>("/api/me/push");
  const told: Readonly<Record<string, string>> = {
    saved: words.common.saved,
    added: notices.added,
    removed: notices.removed,
  };
  return (
    <Frame visit={visit} title={notices.title} at="/account" scripts={[script.url]}>
      <h1>{notices.title}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      <p>{notices.lead}</p>
      <Form action="/account/notices" words={words} faults={faults} submit={words.common.save}>
        <Choices
          name="channel"
          label={notices.way}
          words={words}
          faults={faults}
          single
          values={[choice.channel]}
          choices={noticeWays.map((value) => ({ value, label: notices.ways[value] }))}
        />
        <Choices
          name="about"
          label={notices.about}
          words={words}
          values={(["entries", "denials"] as const).filter((one) => choice[one])}
          choices={[
            { value: "entries", label: notices.entries },
            { value: "denials", label: notices.denials },
          ]}
        />
      </Form>
      <h2>{notices.browsers}</h2>
      {items.length === 0 ? (
        <p>{notices.browsersEmpty}</p>
      ) : (
        <Table
          caption={notices.browsers}
          rows={items}
          columns={[
            { head: notices.device, cell: ({ device }) => device },
            { head: notices.since, cell: ({ createdAt }) => <Moment iso={createdAt} zone="UTC" lang={lang} /> },
            {
              head: notices.lastTold,
              cell: ({ usedAt }) =>
                usedAt === null ? words.common.never : <Moment iso={usedAt} zone="UTC" lang={lang} />,
            },
            {
              head: notices.remove,
              cell: ({ id }) => (
                <Form
                  action={`/account/notices/browsers/${id}/remove`}
                  words={words}
                  submit={notices.remove}
                  tone="secondary"
                  class="row"
                />
              ),
            },
          ]}
        />
      )}
      <div data-push={key} data-worker={workerPath} data-blocked={notices.blocked}>
        <Form action="/account/notices/browsers" words={words} faults={browserFaults} submit={notices.add} class="row">
          <input type="hidden" name="subscription" />
        </Form>
        <p class="fault" role="alert" id="push-fault" />
        <p id="push-cannot">{notices.cannot}</p>
      </div>
      <p>
        <a href="/account">{words.common.back}</a>
      </p>
    </Frame>
  );
}
