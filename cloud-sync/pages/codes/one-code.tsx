/** One temporary code: what became of it at each door, shown digits, a later or earlier end, and its deletion. */
import { may } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { stateTones } from "../grants.tsx";
import { type FieldFaults, faultsFrom } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Field, Form } from "../parts/form.tsx";
import { inZone, knownZone, Moment, toLocalInput } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Confirmation, Notice, Secret, Table, Tag } from "../parts/show.tsx";
import { listDoors, listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { type CodeDigits, codePath, type SeenCode } from "./code-shapes.ts";
import { doorTones } from "./codes-list.tsx";

export function addOneCodePages(book: PageBook): void {
  book.get("/codes/:code", "codes.read", async (c, visit) =>
    c.html(await codePage(visit, { code: await readCode(c, visit), done: c.req.query("done") })),
  );

  book.get("/codes/:code/status", "codes.read", async (c, visit) => {
    const code = await readCode(c, visit);
    return c.html(await statusPart(visit, code, await zoneOf(visit, code)));
  });

  book.post("/codes/:code/reveal", "codes.reveal", async (c, visit) => {
    const { words } = visit;
    const { name } = await readCode(c, visit);
    const { code } = await visit.api.send<CodeDigits>("POST", `${pathOf(c)}/reveal`);
    return c.html(
      <Frame visit={visit} title={words.codes.revealed} at="/codes">
        <h1>{words.codes.revealed}</h1>
        <p>{words.codes.madeLead(name)}</p>
        <Secret text={code} words={words} big />
        <p>
          <a href={`/codes/${c.req.param("code")}`}>{words.common.back}</a>
        </p>
      </Frame>,
    );
  });

  book.post("/codes/:code/change", "codes.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const code = await readCode(c, visit);
    const until = form.text("until");
    const given = { name: form.text("name"), until };
    // The form tells minutes: an end that nobody touched is not moved by its seconds.
    const isMoved = until !== toLocalInput(code.expiry, await zoneOf(visit, code));
    try {
      await visit.api.send("PATCH", pathOf(c), { name: given.name, ...(isMoved && { expiry: until }) });
      return c.redirect(`/codes/${code.id}?done=changed`, 303);
    } catch (error) {
      const faults = faultsFrom(error, { expiry: "until" });
      return c.html(await codePage(visit, { code, faults, given }), 422);
    }
  });

  book.post("/codes/:code/end", "codes.change", async (c, visit) => {
    await visit.api.send("PATCH", pathOf(c), { expiry: Temporal.Instant.fromEpochMilliseconds(book.now()).toString() });
    return c.redirect(`/codes/${c.req.param("code")}?done=ended`, 303);
  });

  book.get("/codes/:code/delete", "codes.change", async (c, visit) => {
    const { words } = visit;
    const { id, name } = await readCode(c, visit);
    return c.html(
      <Frame visit={visit} title={words.codes.deleteTitle} at="/codes">
        <Confirmation
          title={words.codes.deleteTitle}
          text={words.codes.deleteText(name)}
          yes={words.codes.deleteYes}
          action={`/codes/${id}/delete`}
          back={`/codes/${id}`}
          words={words}
        />
      </Frame>,
    );
  });

  book.post("/codes/:code/delete", "codes.change", async (c, visit) => {
    await visit.api.send("DELETE", pathOf(c));
    return c.redirect("/codes?done=deleted", 303);
  });
}

const pathOf = (c: PageContext) => codePath(c.req.param("code")!);
const zoneOf = async (visit: Visit, { site }: SeenCode) =>
  knownZone((await listSites(visit)).find(({ id }) => id === site)?.zone);
const readCode = (c: PageContext, { api }: Visit) => api.get<SeenCode>(pathOf(c));

interface CodeNews {
  readonly code: SeenCode;
  readonly done?: string | undefined;
  readonly faults?: FieldFaults;
  readonly given?: { readonly name: string; readonly until: string };
}

async function codePage(visit: Visit, { code, done, faults, given }: CodeNews) {
  const { words } = visit;
  const zone = await zoneOf(visit, code);
  const told: Readonly<Record<string, string>> = { changed: words.codes.changed, ended: words.codes.ended };
  const actor = visit.actor!;
  const thing = { site: code.site, madeBy: code.createdBy };
  const isLive = code.state === "active" || code.state === "upcoming";
  return (
    <Frame visit={visit} title={code.name} at="/codes">
      <h1>{code.name}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {await statusPart(visit, code, zone)}
      {isLive && may(actor, "codes.reveal", thing) && (
        <>
          <Form
            action={`/codes/${code.id}/reveal`}
            words={words}
            submit={words.codes.reveal}
            tone="secondary"
            class="row"
          />
          <p>
            <small>{words.codes.revealHint}</small>
          </p>
        </>
      )}
      {code.state !== "revoked" && may(actor, "codes.change", thing) && (
        <>
          <h2>{words.codes.change}</h2>
          <Form action={`/codes/${code.id}/change`} words={words} faults={faults} submit={words.codes.changeSubmit}>
            <Field
              name="name"
              label={words.codes.name}
              words={words}
              faults={faults}
              value={given?.name ?? code.name}
              required
              autocomplete="off"
            />
            <Field
              name="until"
              type="datetime-local"
              label={words.codes.extend}
              hint={words.common.timesIn(zone)}
              words={words}
              faults={faults}
              value={given?.until ?? toLocalInput(code.expiry, zone)}
              required
            />
          </Form>
          <div class="row">
            {isLive && (
              <Form
                action={`/codes/${code.id}/end`}
                words={words}
                submit={words.codes.end}
                tone="secondary"
                class="row"
              />
            )}
            <a href={`/codes/${code.id}/delete`}>{words.codes.delete}</a>
          </div>
        </>
      )}
    </Frame>
  );
}

/** Asks again by itself, because locks answer when they wake. */
async function statusPart(visit: Visit, code: SeenCode, zone: string) {
  const { words, lang } = visit;
  const nameOf = new Map((await listDoors(visit, code.site)).map(({ id, name }) => [id, name]));
  const { state, from, expiry, lastUsed, doors } = code;
  return (
    <section id="status" aria-label={words.codes.status} {...refreshed(`/codes/${code.id}/status`, 3)}>
      <dl class="facts-list">
        <dt>{words.common.state}</dt>
        <dd>
          <Tag tone={stateTones[state]}>{words.codes.states[state]}</Tag>
        </dd>
        <dt>{words.codes.from}</dt>
        <dd>
          <Moment iso={from} zone={zone} lang={lang} />
        </dd>
        <dt>{words.codes.until}</dt>
        <dd>
          <Moment iso={expiry} zone={zone} lang={lang} />
        </dd>
        <dt>{words.codes.lastUsed}</dt>
        <dd>{lastUsed === null ? words.common.never : <Moment iso={lastUsed} zone={zone} lang={lang} />}</dd>
      </dl>
      <Table
        caption={words.codes.status}
        rows={doors}
        columns={[
          { head: words.codes.door, cell: ({ accessPoint }) => nameOf.get(accessPoint) ?? accessPoint },
          {
            head: words.common.state,
            cell: (door) => (
              <>
                <Tag tone={doorTones[door.state]}>{words.codes.doorStates[door.state]}</Tag>{" "}
                {door.since !== null && <small>{words.common.since(inZone(door.since, zone, lang))}</small>}
              </>
            ),
          },
        ]}
      />
      <p>
        <small>{words.common.timesIn(zone)}</small>
      </p>
    </section>
  );
}
