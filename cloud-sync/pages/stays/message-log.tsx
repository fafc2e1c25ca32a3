/** What guests were told, the newest first: by which way, how far it has come, and once more. */
import type { channelNames } from "../../channels/guest-channel.ts";
import type { MessageState } from "../../domain/delivery.ts";
import type { MessageKind } from "../../domain/guest-messages.ts";
import { may } from "../../domain/permissions.ts";
import { Frame } from "../frame.tsx";
import { type FaultText, faultsFrom, query } from "../own-api.ts";
import type { PageBook, PageContext } from "../page-book.tsx";
import { Fault } from "../parts/fault.tsx";
import { Form } from "../parts/form.tsx";
import { knownZone, Moment } from "../parts/moments.tsx";
import { Empty, Notice, Table, Tag, type Tone } from "../parts/show.tsx";
import { listSites } from "../sites.tsx";
import type { Visit } from "../visit.ts";
import { bookingPath, type SeenBooking } from "./stay-shapes.ts";

interface SeenMessage {
  readonly id: string;
  readonly site: string;
  readonly booking: string;
  readonly kind: MessageKind;
  readonly state: MessageState;
  readonly stateAt: string;
  readonly channel: (typeof channelNames)[number] | null;
  readonly tried: readonly (typeof channelNames)[number][];
  readonly why: string | null;
}

const messagesPath = "/api/guest-messages";
const pageLength = 25;

const stateTones: Readonly<Record<MessageState, Tone>> = {
  waiting: "calm",
  sending: "calm",
  sent: "calm",
  delivered: "good",
  read: "good",
  failed: "bad",
  unknown: "warn",
  dropped: "calm",
};

export function addMessageLogPages(book: PageBook): void {
  book.get("/messages", "stays.read", async (c, visit) =>
    c.html(await logPage(c, visit, { done: c.req.query("done") })),
  );

  book.post("/messages/:message/send-again", "stays.change", async (c, visit) => {
    try {
      await visit.api.send("POST", `${messagesPath}/${encodeURIComponent(c.req.param("message")!)}/send-again`);
      return c.redirect("/messages?done=again", 303);
    } catch (error) {
      return c.html(await logPage(c, visit, { fault: faultsFrom(error, { id: "" })[""] }), 422);
    }
  });
}

interface LogNews {
  readonly done?: string | undefined;
  readonly fault?: FaultText | undefined;
}

async function logPage(c: PageContext, visit: Visit, { done, fault }: LogNews) {
  const { words, lang, actor, api } = visit;
  const { letting, stays } = words;
  const { items, next } = await api.get<{ items: readonly SeenMessage[]; next: string | null }>(
    `${messagesPath}${query({ after: c.req.query("after"), limit: pageLength })}`,
  );
  const zones = new Map((await listSites(visit)).map(({ id, zone }) => [id, knownZone(zone)]));
  const guestOf = await guests(visit, items);
  const newest = newestOf(items);
  const again = ({ id, site, state, booking }: SeenMessage) =>
    newest.get(booking) === id &&
    state !== "waiting" &&
    state !== "sending" &&
    may(actor!, "stays.change", { site }) && (
      <Form
        action={`/messages/${id}/send-again`}
        words={words}
        submit={letting.sendAgain}
        tone="secondary"
        class="row"
      />
    );
  return (
    <Frame visit={visit} title={letting.messages} at="/messages">
      <h1>{letting.messages}</h1>
      <p>{letting.messagesLead}</p>
      {done === "again" && <Notice>{letting.sentAgain}</Notice>}
      {fault !== undefined && (
        <Notice tone="bad">
          <Fault text={fault} words={words} />
        </Notice>
      )}
      {items.length === 0 ? (
        <Empty title={letting.noMessages} text={letting.noMessagesText} />
      ) : (
        <Table
          caption={letting.messages}
          rows={items}
          columns={[
            {
              head: stays.guest,
              cell: ({ booking }) => <a href={`/stays/${booking}`}>{guestOf.get(booking) ?? booking}</a>,
            },
            { head: letting.about, cell: ({ kind }) => stays.messageKinds[kind] },
            {
              head: words.common.state,
              cell: ({ state, why }) => (
                <>
                  <Tag tone={stateTones[state]}>{stays.messageStates[state]}</Tag>
                  {why !== null && (
                    <small class="fine">
                      <Fault text={why} words={words} />
                    </small>
                  )}
                </>
              ),
            },
            {
              head: stays.channel,
              cell: ({ channel, tried }) => (
                <>
                  {channel === null ? "–" : letting.channels[channel]}
                  {tried.length > 0 && (
                    <small class="fine">
                      {letting.triedBefore(tried.map((one) => letting.channels[one]).join(", "))}
                    </small>
                  )}
                </>
              ),
            },
            {
              head: words.common.when,
              cell: ({ stateAt, site }) => <Moment iso={stateAt} zone={zones.get(site) ?? "UTC"} lang={lang} />,
            },
            { head: letting.sendAgain, cell: again },
          ]}
        />
      )}
      {next && <a href={`/messages${query({ after: next })}`}>{words.common.next}</a>}
    </Frame>
  );
}

/** The API sends the newest to a guest again, and no other; those of one page are known here. */
function newestOf(items: readonly SeenMessage[]): ReadonlyMap<string, string> {
  const newest = new Map<string, string>();
  for (const { booking, state, id } of items) if (state !== "dropped" && !newest.has(booking)) newest.set(booking, id);
  return newest;
}

async function guests({ api }: Visit, items: readonly SeenMessage[]): Promise<ReadonlyMap<string, string>> {
  const bookings = [...new Set(items.map(({ booking }) => booking))];
  const found = await Promise.all(bookings.map((id) => api.get<SeenBooking>(bookingPath(id))));
  return new Map(found.map(({ id, guest }) => [id, guest.name]));
}
