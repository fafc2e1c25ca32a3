/** One visitor's pass: its QR code and how to send it, what is left of it, what happened at the gates, its change and its end. */
import { raw } from "hono/html";
import { may } from "../../domain/permissions.ts";
import { qrSvg } from "../../qr-picture.ts";
import { Frame } from "../frame.tsx";
import { type FieldFaults, faultsFrom, query } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Field, Form } from "../parts/form.tsx";
import { hoursFault, hoursOf, hoursText, windowsOf } from "../parts/hours.tsx";
import { inZone, knownZone, Moment, toLocalInput } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Confirmation, Notice, Table, Tag } from "../parts/show.tsx";
import { listDoors, listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { kindName } from "./kinds.ts";
import {
  EntryFields,
  entriesAllowed,
  entriesFault,
  fieldsOf,
  type GivenPass,
  MoreFields,
  readPassFields,
  VisitorFields,
} from "./pass-fields.tsx";
import { passPath, passTones, type SeenHistory, type SeenPass, shownState } from "./pass-shapes.ts";
import { entriesLeft } from "./passes-list.tsx";
import { ShareSheet } from "./share.tsx";

export function addOnePassPages(book: PageBook): void {
  book.get("/passes/:pass", "passes.read", async (c, visit) =>
    c.html(await passPage(visit, await readPass(c, visit), c.req.query("done"))),
  );

  book.get("/passes/:pass/status", "passes.read", async (c, visit) =>
    c.html(await statusPart(visit, await readPass(c, visit))),
  );

  book.post("/passes/:pass/link", "passes.change", async (c, visit) => {
    await visit.api.send("POST", `${pathOf(c)}/link`);
    return c.redirect(`/passes/${c.req.param("pass")}?done=link`, 303);
  });

  book.get("/passes/:pass/edit", "passes.change", async (c, visit) =>
    c.html(await editPage(visit, await readPass(c, visit))),
  );

  book.post("/passes/:pass/edit", "passes.change", async (c, visit) => {
    const pass = await readPass(c, visit);
    const given = readPassFields(await FormWords.of(c));
    const again = async (faults: FieldFaults) => c.html(await editPage(visit, pass, { given, faults }), 422);
    const count = entriesAllowed(given);
    if (count === undefined) return again(entriesFault(visit.words));
    const fault = hoursFault(given, visit.words);
    if (fault) return again(fault);
    try {
      await visit.api.send("PATCH", pathOf(c), changeOf(pass, given, count, (await siteOf(visit, pass)).zone));
      return c.redirect(`/passes/${pass.id}?done=changed`, 303);
    } catch (error) {
      return again(faultsFrom(error, { entriesAllowed: "entriesCount", windows: "days" }));
    }
  });

  book.get("/passes/:pass/withdraw", "passes.change", async (c, visit) => {
    const { words } = visit;
    const { id, visitorName } = await readPass(c, visit);
    return c.html(
      <Frame visit={visit} title={words.passes.withdrawTitle} at="/passes">
        <Confirmation
          title={words.passes.withdrawTitle}
          text={words.passes.withdrawText(visitorName)}
          yes={words.passes.withdrawYes}
          action={`/passes/${id}/withdraw`}
          back={`/passes/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/passes/:pass/withdraw", "passes.change", async (c, visit) => {
    await visit.api.send("DELETE", pathOf(c));
    return c.redirect("/passes?done=withdrawn", 303);
  });
}

const pathOf = (c: PageContext) => passPath(c.req.param("pass")!);
export const readPass = (c: PageContext, { api }: Visit) => api.get<SeenPass>(pathOf(c));

async function siteOf(visit: Visit, { site }: SeenPass) {
  const found = (await listSites(visit)).find(({ id }) => id === site);
  return { name: found?.name ?? site, zone: knownZone(found?.zone) };
}

/** What nobody touched is not sent: the form tells minutes, and not every schedule. */
function changeOf(pass: SeenPass, given: GivenPass, count: number | null, zone: string) {
  const { visitorName, visitorType, documentNum, notes, until } = given;
  const windows = windowsOf(given) ?? null;
  const hadHours = hoursOf(pass.windows);
  const isOtherHours = hadHours !== undefined && JSON.stringify(windows) !== JSON.stringify(pass.windows);
  return {
    visitorName,
    visitorType,
    documentNum: documentNum || null,
    notes: notes || null,
    entriesAllowed: count,
    ...(until !== toLocalInput(pass.validUntil, zone) && { until }),
    ...(isOtherHours && { windows }),
  };
}

async function passPage(visit: Visit, pass: SeenPass, done: string | undefined) {
  const { words, actor } = visit;
  const { passes } = words;
  const told: Readonly<Record<string, string>> = {
    made: passes.made,
    changed: passes.changed,
    link: passes.linkRenewed,
    barred: passes.barred,
    unbarred: passes.unbarred,
  };
  const isLive = pass.state === "active" || pass.state === "upcoming";
  const mayChange = may(actor!, "passes.change", { site: pass.site, madeBy: pass.createdBy });
  const site = await siteOf(visit, pass);
  const link = mayChange && isLive ? await visit.api.get<{ url: string } | null>(`${passPath(pass.id)}/link`) : null;
  return (
    <Frame visit={visit} title={pass.visitorName} at="/passes">
      <h1>{pass.visitorName}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {isLive && pass.recordUid !== null && (
        <div class="pass-code">
          <div class="qr big" role="img" aria-label={words.guest.qr}>
            {raw(qrSvg(pass.recordUid))}
          </div>
          <p class="uid">{pass.recordUid}</p>
        </div>
      )}
      {isLive && mayChange && <ShareSheet visit={visit} pass={pass} site={site} url={link?.url ?? null} />}
      {await statusPart(visit, pass)}
      <div class="row no-print">
        {mayChange && pass.state !== "revoked" && (
          <a class="button" href={`/passes/${pass.id}/edit`}>
            {passes.edit}
          </a>
        )}
        {mayChange && <a href={`/passes/new${query({ again: pass.id })}`}>{passes.inviteAgain}</a>}
        {mayChange && pass.state !== "revoked" && <a href={`/passes/${pass.id}/withdraw`}>{passes.withdraw}</a>}
        {may(actor!, "blacklist.change", { site: pass.site }) && <a href={`/passes/${pass.id}/bar`}>{passes.bar}</a>}
      </div>
    </Frame>
  );
}

/** Asks again by itself, because visitors come while somebody looks. */
async function statusPart(visit: Visit, pass: SeenPass) {
  const { words, lang } = visit;
  const { passes } = words;
  const { zone } = await siteOf(visit, pass);
  const nameOf = new Map((await listDoors(visit, pass.site)).map(({ id, name }) => [id, name]));
  const { items } = await visit.api.get<{ items: readonly SeenHistory[] }>(`${passPath(pass.id)}/history`);
  const facts: readonly (readonly [string, string | null])[] = [
    [passes.kind, kindName(pass.visitorType, words)],
    [passes.host, pass.host],
    [passes.doors, pass.accessPoints.map((id) => nameOf.get(id) ?? id).join(", ")],
    [passes.from, inZone(pass.validFrom, zone, lang)],
    [passes.until, inZone(pass.validUntil, zone, lang)],
    [passes.hours, pass.windows && hoursText(pass.windows, words)],
    [passes.left, entriesLeft(pass, visit)],
    [passes.document, pass.documentNum],
    [passes.notes, pass.notes],
  ];
  return (
    <section id="status" aria-label={words.common.state} {...refreshed(`/passes/${pass.id}/status`, 3)}>
      <dl class="facts-list">
        <dt>{words.common.state}</dt>
        <dd>
          <Tag tone={passTones[shownState(pass)]}>{passes.states[shownState(pass)]}</Tag>{" "}
          {pass.barred && <Tag tone="bad">{passes.isBarred}</Tag>}
        </dd>
        {facts.map(
          ([name, value]) =>
            value !== null && (
              <>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </>
            ),
        )}
      </dl>
      <h2>{passes.history}</h2>
      {items.length === 0 ? (
        <p>{passes.historyEmpty}</p>
      ) : (
        <Table
          caption={passes.history}
          rows={items}
          columns={[
            {
              head: words.common.when,
              cell: ({ at, receivedAt, isLate }) => (
                <>
                  <Moment iso={at} zone={zone} lang={lang} />{" "}
                  {isLate && <small>{passes.learntAt(inZone(receivedAt, zone, lang))}</small>}
                </>
              ),
            },
            { head: words.common.what, cell: ({ type }) => passes.happened[type] },
            {
              head: passes.gate,
              cell: ({ accessPoint }) => (accessPoint === null ? "–" : (nameOf.get(accessPoint) ?? accessPoint)),
            },
            { head: passes.guard, cell: ({ guard }) => guard ?? "–" },
            {
              head: passes.photo,
              cell: ({ photo }) =>
                photo === null ? (
                  "–"
                ) : (
                  <a href={photo}>
                    <img class="visit-photo" src={photo} alt={passes.photo} loading="lazy" />
                  </a>
                ),
            },
          ]}
        />
      )}
      <p>
        <small>{words.common.timesIn(zone)}</small>
      </p>
    </section>
  );
}

interface EditNews {
  readonly given?: GivenPass;
  readonly faults?: FieldFaults;
}

async function editPage(visit: Visit, pass: SeenPass, { given, faults }: EditNews = {}) {
  const { words } = visit;
  const { zone } = await siteOf(visit, pass);
  const fields = { words, faults, given: given ?? { ...fieldsOf(pass), until: toLocalInput(pass.validUntil, zone) } };
  return (
    <Frame visit={visit} title={pass.visitorName} at="/passes">
      <h1>{pass.visitorName}</h1>
      <Form action={`/passes/${pass.id}/edit`} words={words} faults={faults} submit={words.passes.editSubmit}>
        <VisitorFields {...fields} />
        <Field
          name="until"
          type="datetime-local"
          label={words.passes.until}
          hint={words.passes.untilHint(zone)}
          words={words}
          faults={faults}
          value={fields.given.until}
          required
        />
        <EntryFields {...fields} />
        <MoreFields {...fields} hasHours={hoursOf(pass.windows) !== undefined} />
      </Form>
      <p>
        <a href={`/passes/${pass.id}`}>{words.common.back}</a>
      </p>
    </Frame>
  );
}
