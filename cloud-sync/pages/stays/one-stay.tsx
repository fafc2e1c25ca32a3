/** One stay: its code at every door, what the guest was told, and what somebody may do about it. */
import type { MessageState } from "../../domain/delivery.ts";
import type { MessageKind } from "../../domain/guest-messages.ts";
import { may } from "../../domain/permissions.ts";
import { doorTones } from "../codes/codes-list.tsx";
import { Frame } from "../frame.tsx";
import { type FaultText, type FieldFaults, faultsFrom, query } from "../own-api.ts";
import { FormWords, type PageBook, type PageContext } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Field, Form } from "../parts/form.tsx";
import { inZone, knownZone, Moment } from "../parts/moments.tsx";
import { refreshed } from "../parts/refreshed.ts";
import { Confirmation, Notice, Secret, Table, Tag, type Tone } from "../parts/show.tsx";
import { listDoors, listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { AlarmsOf } from "./alarms.tsx";
import { bookingPath, listProperties, type SeenBooking, statusTones } from "./stay-shapes.ts";

interface SeenMessage {
  readonly id: string;
  readonly kind: MessageKind;
  readonly state: MessageState;
  readonly stateAt: string;
  readonly channel: string | null;
  readonly why: string | null;
}

export const messageTones: Readonly<Record<MessageState, Tone>> = {
  waiting: "calm",
  sending: "warn",
  sent: "good",
  delivered: "good",
  read: "good",
  failed: "bad",
  unknown: "warn",
  dropped: "calm",
};

export function addOneStayPages(book: PageBook): void {
  book.get("/stays/:stay", "stays.read", async (c, visit) =>
    c.html(await stayPage(visit, await readStay(c, visit), { done: c.req.query("done") })),
  );

  book.get("/stays/:stay/status", "stays.read", async (c, visit) =>
    c.html(await statusPart(visit, await readStay(c, visit))),
  );

  book.post("/stays/:stay/reveal", "stays.reveal", async (c, visit) => {
    const { words } = visit;
    const stay = await readStay(c, visit);
    const { code } = await visit.api.send<{ code: string }>("POST", `${pathOf(c)}/reveal`);
    return c.html(<ShownOnce visit={visit} stay={stay} title={words.stays.digits} text={code} big />);
  });

  book.post("/stays/:stay/link", "stays.reveal", async (c, visit) => {
    const { words } = visit;
    const stay = await readStay(c, visit);
    const renew = (await FormWords.of(c)).text("renew") === "yes";
    const { url } = await visit.api.send<{ url: string }>("POST", `${pathOf(c)}/link`, { renew });
    return c.html(<ShownOnce visit={visit} stay={stay} title={words.stays.link} text={url} />);
  });

  book.post("/stays/:stay/decide", "stays.change", async (c, visit) => {
    const form = await FormWords.of(c);
    const agree = form.text("agree") === "yes";
    try {
      await visit.api.send("POST", `${pathOf(c)}/decide`, { agree, since: form.text("since") });
      return c.redirect(`/stays/${c.req.param("stay")}?done=${agree ? "agreed" : "refused"}`, 303);
    } catch (error) {
      const objection = faultsFrom(error)[""];
      return c.html(await stayPage(visit, await readStay(c, visit), { objection }), 422);
    }
  });

  book.post("/stays/:stay/extend", "stays.change", async (c, visit) => {
    const given = (await FormWords.of(c)).text("hours");
    try {
      // Nothing is no number, and 0 would take the hours back.
      const hours = /^\d{1,3}$/.test(given) ? Number(given) : null;
      await visit.api.send("POST", `${pathOf(c)}/extend`, { hours });
      return c.redirect(`/stays/${c.req.param("stay")}?done=extended`, 303);
    } catch (error) {
      const stay = await readStay(c, visit);
      return c.html(await stayPage(visit, stay, { faults: faultsFrom(error), hours: given }), 422);
    }
  });

  for (const [step, done] of [
    ["new-code", "renewed"],
    ["cancel", "cancelled"],
  ] as const) {
    book.get(`/stays/:stay/${step}`, "stays.change", async (c, visit) => {
      const { words } = visit;
      const { id, guest } = await readStay(c, visit);
      const asked = words.stays.ask[done];
      return c.html(
        <Frame visit={visit} title={asked.title} at="/stays">
          <Confirmation
            title={asked.title}
            text={asked.text(guest.name)}
            yes={asked.yes}
            action={`/stays/${id}/${step}`}
            back={`/stays/${id}`}
            words={words}
          />
        </Frame>,
      );
    });

    book.post(`/stays/:stay/${step}`, "stays.change", async (c, visit) => {
      if (step === "cancel") await visit.api.send("PATCH", pathOf(c), { status: "cancelled" });
      else await visit.api.send("POST", `${pathOf(c)}/new-code`);
      return c.redirect(`/stays/${c.req.param("stay")}?done=${done}`, 303);
    });
  }
}

const pathOf = (c: PageContext) => bookingPath(c.req.param("stay")!);
const readStay = (c: PageContext, { api }: Visit) => api.get<SeenBooking>(pathOf(c));

interface ShownProps {
  readonly visit: Visit;
  readonly stay: SeenBooking;
  readonly title: string;
  readonly text: string;
  readonly big?: boolean;
}

function ShownOnce({ visit, stay, title, text, big }: ShownProps) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={title} at="/stays">
      <h1>{title}</h1>
      <p>{stay.guest.name}</p>
      <Secret text={text} words={words} big={big === true} qr={big !== true} />
      <p>
        <a href={`/stays/${stay.id}`}>{words.common.back}</a>
      </p>
    </Frame>
  );
}

interface StayNews {
  readonly done?: string | undefined;
  /** To the word on what waits. */
  readonly objection?: FaultText | undefined;
  readonly faults?: FieldFaults;
  readonly hours?: string;
}

async function stayPage(visit: Visit, stay: SeenBooking, { done, objection, faults, hours }: StayNews) {
  const { words, actor } = visit;
  const { stays } = words;
  const thing = { site: stay.site };
  const isLive = stay.code.grant !== null && stay.status !== "cancelled" && stay.status !== "completed";
  const mayChange = may(actor!, "stays.change", thing);
  const told: Readonly<Record<string, string>> = stays.did;
  return (
    <Frame visit={visit} title={stay.guest.name} at="/stays">
      <h1>{stay.guest.name}</h1>
      {told[done ?? ""] && <Notice>{told[done ?? ""]}</Notice>}
      {objection !== undefined && (
        <Notice tone="bad">
          <Fault text={objection} words={words} />
        </Notice>
      )}
      {stay.held && <Held visit={visit} stay={stay} mayChange={mayChange} />}
      <AlarmsOf visit={visit} about={stay.id} />
      {await statusPart(visit, stay)}
      {isLive && may(actor!, "stays.reveal", thing) && (
        <div class="row no-print">
          <Form
            action={`/stays/${stay.id}/reveal`}
            words={words}
            submit={stays.showDigits}
            tone="secondary"
            class="row"
          />
          <Form action={`/stays/${stay.id}/link`} words={words} submit={stays.showLink} tone="secondary" class="row" />
        </div>
      )}
      {isLive && mayChange && (
        <>
          <h2>{stays.longer}</h2>
          <Form action={`/stays/${stay.id}/extend`} words={words} faults={faults} submit={words.common.save}>
            <Field
              name="hours"
              label={stays.hours}
              hint={stays.hoursHint}
              inputmode="numeric"
              words={words}
              faults={faults}
              value={hours ?? `${stay.extraHours}`}
              required
            />
          </Form>
          <div class="row no-print">
            <a href={`/stays/${stay.id}/new-code`}>{stays.newCode}</a>
            {stay.source === "api" && <a href={`/stays/${stay.id}/cancel`}>{stays.cancel}</a>}
          </div>
        </>
      )}
    </Frame>
  );
}

function Held({ visit, stay, mayChange }: { visit: Visit; stay: SeenBooking; mayChange: boolean }) {
  const { words } = visit;
  const { stays } = words;
  const { since, why, status, arrival, departure } = stay.held!;
  return (
    <section class="notice warn" aria-label={stays.waitsForYou}>
      <p>
        <strong>{stays.heldTitle}</strong>
      </p>
      <p>
        {stays.heldText({ status: stays.statuses[status], arrival, departure })} {stays.heldWhy[why]}
      </p>
      {mayChange && (
        <div class="row">
          {(["yes", "no"] as const).map((agree) => (
            <Form
              action={`/stays/${stay.id}/decide`}
              words={words}
              submit={stays.decide[agree]}
              tone={agree === "yes" ? undefined : "secondary"}
              class="row"
            >
              <input type="hidden" name="agree" value={agree} />
              <input type="hidden" name="since" value={since} />
            </Form>
          ))}
        </div>
      )}
    </section>
  );
}

/** Asks again by itself, because doors answer while somebody looks. */
async function statusPart(visit: Visit, stay: SeenBooking) {
  const { words, lang, api } = visit;
  const { stays } = words;
  const zone = knownZone((await listSites(visit)).find(({ id }) => id === stay.site)?.zone);
  const property = (await listProperties(visit, stay.site)).find(({ id }) => id === stay.property);
  const nameOf = new Map((await listDoors(visit, stay.site)).map(({ id, name }) => [id, name]));
  const { items: messages } = await api.get<{ items: readonly SeenMessage[] }>(
    `/api/guest-messages${query({ booking: stay.id, limit: 20 })}`,
  );
  const { code, guest } = stay;
  const facts: readonly (readonly [string, string | null])[] = [
    [stays.property, property?.name ?? stay.property],
    [stays.from, inZone(code.from, zone, lang)],
    [stays.until, inZone(code.until, zone, lang)],
    [stays.phone, guest.phone],
    [stays.email, guest.email],
    [stays.dueAt, code.grant === null && code.dueAt !== null ? inZone(code.dueAt, zone, lang) : null],
    [stays.problem, code.problem],
  ];
  return (
    <section id="status" aria-label={words.common.state} {...refreshed(`/stays/${stay.id}/status`, 3)}>
      <dl class="facts-list">
        <dt>{words.common.state}</dt>
        <dd>
          <Tag tone={statusTones[stay.status]}>{stays.statuses[stay.status]}</Tag>{" "}
          {stay.isBookedTwice && <Tag tone="bad">{stays.bookedTwice}</Tag>}{" "}
          {stay.isTooTight && <Tag tone="warn">{stays.tooTight}</Tag>}
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
      <h2>{stays.doors}</h2>
      {code.doors.length === 0 ? (
        <p>{stays.noCode}</p>
      ) : (
        <Table
          caption={stays.doors}
          rows={code.doors}
          columns={[
            { head: stays.door, cell: ({ accessPoint }) => nameOf.get(accessPoint) ?? accessPoint },
            {
              head: stays.code,
              cell: ({ state }) => <Tag tone={doorTones[state]}>{words.codes.doorStates[state]}</Tag>,
            },
          ]}
        />
      )}
      <h2>{stays.messages}</h2>
      {messages.length === 0 ? (
        <p>{stays.noMessages}</p>
      ) : (
        <Table
          caption={stays.messages}
          rows={messages}
          columns={[
            { head: words.common.what, cell: ({ kind }) => stays.messageKinds[kind] },
            {
              head: words.common.state,
              cell: ({ state, why }) => (
                <>
                  <Tag tone={messageTones[state]}>{stays.messageStates[state]}</Tag> {why && <small>{why}</small>}
                </>
              ),
            },
            { head: words.common.when, cell: ({ stateAt }) => <Moment iso={stateAt} zone={zone} lang={lang} /> },
            { head: stays.channel, cell: ({ channel }) => channel ?? "–" },
          ]}
        />
      )}
      <p>
        <small>{words.common.timesIn(zone)}</small>
      </p>
    </section>
  );
}
