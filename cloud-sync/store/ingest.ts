/**
 * Takes in a gateway's journal: the contiguous prefix by (gateway, epoch, seq), each event once, its effects in the same
 * transaction. A repeat is compared by hash, a gap stops, a different hash at a known number raises the fork alarm.
 */
import { createHash } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type HolderId, holderId } from "../../gateway/domain/rights.ts";
import { headStatement, type PushHead } from "../../gateway/wire/gateway-api.ts";
import { chainNext, chainStart } from "../../gateway/wire/journal-line.ts";
import { evidenceTypes } from "../domain/code-evidence.ts";
import { holdingOf, noteReturned, noteTransfer, type RightsAccount, withHolding } from "../domain/settle-rights.ts";
import { isSigned } from "../gateway-key.ts";
import { type ReadEvent, readEvent } from "../read-event.ts";
import { noteAttachments } from "./attachments.ts";
import { type AuditEntry, recordAudit } from "./audit-trail.ts";
import { watchGrants } from "./bookings.ts";
import { publish } from "./feed.ts";
import { readCut } from "./forget-events.ts";
import { type GatewayRow, witnessOf } from "./gateways.ts";
import { type GrantRow, lockGrants, toChange, toGrant } from "./grants.ts";
import { noteNotices } from "./notices.ts";
import { readAccounts, settleAccounts } from "./rights.ts";
import { event, eventParked, gateway } from "./schema.ts";
import { staffEverOf } from "./staff.ts";
import { rowsOf, type Transaction } from "./store.ts";
import { eventsOf } from "./wakes.ts";

export interface Push {
  readonly site: string;
  readonly gateway: string;
  readonly head: PushHead;
  /** Each event's bytes as they stand in the journal. */
  readonly lines: readonly Uint8Array[];
}

export type Ingested =
  | { readonly outcome: "taken"; readonly next: number; readonly added: number; readonly parked: number }
  | { readonly outcome: "fenced"; readonly epoch: number }
  | { readonly outcome: "fork"; readonly seq: number }
  /** The push contradicts itself: nothing of it was taken. */
  | { readonly outcome: "refused"; readonly why: string };

interface NewEvent {
  readonly seq: number;
  readonly hash: string;
  readonly bytes: Uint8Array;
  readonly text: string | undefined;
  readonly event: ReadEvent | undefined;
  readonly why: string | undefined;
}

export async function ingest(tx: Transaction, push: Push, now: Instant): Promise<Ingested> {
  const { head, lines } = push;
  const where = and(eq(gateway.siteId, push.site), eq(gateway.id, push.gateway));
  const [row] = await tx.select().from(gateway).where(where).for("update");
  if (!row?.publicKey) throw new Error(`no enrolled gateway ${push.gateway}`);
  if (head.epoch < row.epoch) return { outcome: "fenced", epoch: row.epoch };
  if (head.epoch > row.epoch) return { outcome: "refused", why: `epoch ${head.epoch} was never given` };

  const chain = chainOf(head.prev, lines);
  const last = head.first + lines.length - 1;
  if (chain !== head.head) return { outcome: "refused", why: "the chain over the events does not give the head" };
  const statement = headStatement(push.gateway, head.epoch, last, head.head);
  if (!isSigned(row.publicKey, statement, head.headSignature))
    return { outcome: "refused", why: "the head is not signed by this gateway" };

  const next = row.next;
  const known = lines.slice(0, Math.max(0, next - head.first));
  const fork = await firstDifference(tx, push, known);
  if (fork !== undefined) return alarm(tx, push, fork, now);
  if (head.first > next || last < next) return { outcome: "taken", next, added: 0, parked: 0 };

  const fresh = lines.slice(known.length);
  const before = chainOf(head.prev, known);
  if (before !== (row.head ?? chainStart(push.gateway, head.epoch))) return alarm(tx, push, next, now);

  const contradicted = contradiction(row, next, before, fresh);
  if (contradicted !== undefined) return alarm(tx, push, contradicted, now);

  const events = fresh.map((bytes, index) => toNewEvent(bytes, next + index));
  await insertEvents(tx, push, events, now);
  await applyEffects(tx, push, events, now);
  await tx
    .update(gateway)
    .set({ next: last + 1, head: head.head, headSignature: head.headSignature })
    .where(where);
  tx.touch(eventsOf(push.site));
  await noteStaff(tx, push, events, now);
  const parked = events.filter(({ why }) => why !== undefined).length;
  return { outcome: "taken", next: last + 1, added: events.length, parked };
}

function chainOf(prev: string, lines: readonly Uint8Array[]): string {
  return lines.reduce((chain, bytes) => chainNext(chain, bytes), prev);
}

/** The gateway had vouched for another past than the one it now sends: where that ends. */
function contradiction(row: GatewayRow, next: number, prev: string, fresh: readonly Uint8Array[]): number | undefined {
  const witness = witnessOf(row);
  const upTo = witness ? witness.seq - next + 1 : 0;
  if (!witness || upTo < 1 || upTo > fresh.length) return undefined;
  return chainOf(prev, fresh.slice(0, upTo)) === witness.head ? undefined : witness.seq;
}

function hashOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64url");
}

function toNewEvent(bytes: Uint8Array, seq: number): NewEvent {
  const { text, event: read, why } = readEvent(bytes, seq);
  return { seq, hash: hashOf(bytes), bytes, text, event: read, why };
}

/** The first of the events we already have that differs from what we have. */
async function firstDifference(tx: Transaction, push: Push, known: readonly Uint8Array[]): Promise<number | undefined> {
  if (known.length === 0) return undefined;
  const { first, epoch } = push.head;
  // What is forgotten cannot be compared; that the chain goes on from it is looked at with the next events.
  const kept = (await readCut(tx, { siteId: push.site, gatewayId: push.gateway, epoch }))?.next ?? 1;
  const stored = await tx
    .select({ seq: event.seq, hash: event.hash })
    .from(event)
    .where(
      and(
        eq(event.siteId, push.site),
        eq(event.gatewayId, push.gateway),
        eq(event.epoch, epoch),
        sql`${event.seq} between ${first} and ${first + known.length - 1}`,
      ),
    );
  const hashes = new Map(stored.map(({ seq, hash }) => [seq, hash]));
  const index = known.findIndex((bytes, at) => first + at >= kept && hashes.get(first + at) !== hashOf(bytes));
  return index < 0 ? undefined : first + index;
}

async function alarm(tx: Transaction, push: Push, seq: number, now: Instant): Promise<Ingested> {
  await tx
    .update(gateway)
    .set({ forkSeq: seq, forkedAt: now })
    .where(and(eq(gateway.siteId, push.site), eq(gateway.id, push.gateway)));
  tx.touch(eventsOf(push.site));
  return { outcome: "fork", seq };
}

async function insertEvents(tx: Transaction, push: Push, events: readonly NewEvent[], now: Instant): Promise<void> {
  const rows = events.map(({ seq, hash, text, event: read }) => ({
    seq,
    hash,
    body: text ?? null,
    ...columnsOf(read),
  }));
  await tx.execute(
    sql`insert into event (site_id, gateway_id, epoch, seq, hash, received_at, at, type, body,
          access_point, grant_id, credential_id, device, reason)
        select ${push.site}, ${push.gateway}, ${push.head.epoch}::integer, seq, hash, ${now}::bigint,
          coalesce(at, ${now}::bigint), coalesce(type, 'unreadable'), body, access_point, grant_id, credential_id, device, reason
        from json_to_recordset(${JSON.stringify(rows)}::json)
          as r(seq bigint, hash text, at bigint, type text, body text,
            access_point text, grant_id text, credential_id text, device text, reason text)`,
  );
  const parked = events.filter(({ why }) => why !== undefined);
  if (parked.length === 0) return;
  await tx.insert(eventParked).values(
    parked.map(({ seq, bytes, why }) => ({
      siteId: push.site,
      gatewayId: push.gateway,
      epoch: push.head.epoch,
      seq,
      why: why ?? "",
      raw: bytes,
    })),
  );
}

function columnsOf(read: ReadEvent | undefined) {
  if (!read) return {};
  return {
    at: read.at,
    type: read.type,
    access_point: "accessPoint" in read ? read.accessPoint : undefined,
    grant_id: "grant" in read ? read.grant : undefined,
    credential_id: "credential" in read ? read.credential : undefined,
    device: "device" in read ? read.device : undefined,
    reason:
      read.type === "denied"
        ? read.reason
        : read.type === "void" || read.type === "unanswered"
          ? read.why
          : read.type === "command-ended" || read.type === "released"
            ? read.result
            : undefined,
  };
}

/** Entries used and moved, last used, and what became of commands. */
async function applyEffects(tx: Transaction, push: Push, events: readonly NewEvent[], now: Instant): Promise<void> {
  const read = events.flatMap((one) => (one.event ? [one.event] : []));
  await noteCommands(tx, push, read, now);
  await noteAttachments(tx, push, read, now);
  const ofGrants = read.filter(isOfGrant);
  const ofCodes = ofGrants.filter(({ type }) => progressTypes.has(type));
  // Before the grants: whoever plans stays locks a booking and then its grant.
  await watchGrants(tx, push.site, [...new Set(ofCodes.map(({ grant }) => grant))], now);
  // In the order of their ids, because another gateway's journal may name the same grants.
  const rows = await lockGrants(tx, push.site, [...new Set(ofGrants.map(({ grant }) => grant))]);
  if (rows.length === 0) return;
  await countEntries(tx, push, ofGrants);
  await noteNotices(tx, { site: push.site, gateway: push.gateway, epoch: push.head.epoch }, ofGrants, rows, now);
  await moveRights(tx, push, ofGrants, rows, now);
}

/** What tells how far a code has come; that somebody opened with it does not. */
const progressTypes: ReadonlySet<string> = new Set(evidenceTypes.filter((type) => type !== "opened-at-lock"));

/**
 * What staff did at the gateway itself belongs into the site's audit trail as well: with the event, so once. Last, as recordAudit() is. A
 * gateway speaks for the staff of its own site and for nobody else: whom it names besides stands as what it named, never as who did it.
 */
async function noteStaff(tx: Transaction, push: Push, events: readonly NewEvent[], now: Instant): Promise<void> {
  const from = { address: push.gateway, device: "gateway" };
  const deeds = events.flatMap(({ event }) => (event && staffDeed(event, push.gateway)) ?? []);
  const staff = await staffEverOf(
    tx,
    push.site,
    deeds.flatMap(({ named }) => named ?? []),
  );
  for (const { named, at, ...deed } of deeds) {
    const isStaff = named !== undefined && staff.has(named);
    const after = { at, ...(!isStaff && named !== undefined && personId.test(named) && { named }) };
    await recordAudit(tx, { site: push.site, from, ...deed, actor: isStaff ? named : "unknown", after }, now);
  }
}

/** A gateway may name what it likes; only what is an id is written down. */
const personId = /^person-[a-z0-9]{16}$/;

interface StaffDeed extends Pick<AuditEntry, "action" | "thing"> {
  /** Who did it, by the gateway's word. */
  readonly named: string | undefined;
  readonly at: number;
}

function staffDeed(event: ReadEvent, gatewayId: string): StaffDeed | undefined {
  const { at } = event;
  switch (event.type) {
    case "staff-signed-in":
      return { named: event.staff, at, action: "staff.sign-in", thing: gatewayId };
    case "staff-refused":
      return { named: event.staff, at, action: "staff.refused", thing: gatewayId };
    case "staff-command":
      return { named: event.staff, at, action: `staff.${event.action ?? "unlock"}`, thing: event.accessPoint };
    default:
      return undefined;
  }
}

type GrantEvent = ReadEvent & { readonly grant: string };

function isOfGrant(event: ReadEvent): event is GrantEvent {
  return "grant" in event && typeof event.grant === "string";
}

async function countEntries(tx: Transaction, push: Push, events: readonly GrantEvent[]): Promise<void> {
  const used = new Map<string, { id: string; entries: number; at: number | null }>();
  for (const event of events) {
    if (event.type !== "admitted" && event.type !== "void") continue;
    const before = used.get(event.grant) ?? { id: event.grant, entries: 0, at: null };
    const admitted = event.type === "admitted";
    used.set(event.grant, {
      id: event.grant,
      entries: before.entries + (admitted ? 1 : -1),
      at: admitted ? Math.max(before.at ?? 0, event.at) : before.at,
    });
  }
  if (used.size === 0) return;
  await tx.execute(
    sql`update grant_record g set entries_used = greatest(g.entries_used + u.entries, 0), last_used_at = greatest(g.last_used_at, u.at)
        from json_to_recordset(${JSON.stringify([...used.values()])}::json) as u(id text, entries bigint, at bigint)
        where g.site_id = ${push.site} and g.id = u.id`,
  );
}

/** A denial for want of an entry that happened just now is the gateway asking for one. */
const askedWithinMs = 60_000;

/** What the events say of limited grants, and what follows: entries placed, orders given, rows published. */
async function moveRights(
  tx: Transaction,
  push: Push,
  events: readonly GrantEvent[],
  rows: readonly GrantRow[],
  now: Instant,
): Promise<void> {
  const grants = new Map(rows.map((row) => [row.id, toGrant(row)]));
  const before = await readAccounts(tx, push.site, [...grants.values()]);
  const holder = holderId(push.gateway, push.head.epoch);
  const noted = new Map<string, RightsAccount>();
  for (const event of events) {
    const account = noted.get(event.grant) ?? before.get(event.grant);
    const after = account && afterEvent(account, holder, event, now);
    if (after && after !== account) noted.set(event.grant, after);
  }
  const records = new Map(rows.map((row) => [row.id, row]));
  const told = await settleAccounts(tx, push.site, before, noted, (grant) => records.get(grant)!, now);
  const changes = [...told].map(([grant, account]) => toChange(grants.get(grant)!, account));
  if (changes.length > 0) await publish(tx, push.site, changes, now);
}

function afterEvent(account: RightsAccount, holder: HolderId, event: GrantEvent, now: Instant): RightsAccount {
  const holding = holdingOf(account, holder);
  switch (event.type) {
    case "admitted":
      return withHolding(account, { ...holding, used: holding.used + 1 });
    case "void":
      return withHolding(account, { ...holding, used: Math.max(0, holding.used - 1) });
    case "denied": {
      const asks = event.reason === "HELD_AT_OTHER_GATE" && Math.abs(now - event.at) <= askedWithinMs;
      return asks ? withHolding(account, { ...holding, askedAt: holding.askedAt ?? now }) : account;
    }
    case "rights-returned":
      return noteReturned(account, holder, event.total, event.order);
    case "rights-sent":
      return noteTransfer(account, { from: holder, to: event.to, total: event.total });
    case "rights-received":
      return noteTransfer(account, { from: event.from, to: holder, total: event.total });
    default:
      return account;
  }
}

async function noteCommands(tx: Transaction, push: Push, events: readonly ReadEvent[], now: Instant): Promise<void> {
  const commands: { id: number; taken: boolean; result: string | null; outcome?: string }[] = [];
  for (const event of events) {
    if (event.type === "command-taken") commands.push({ id: event.command, taken: true, result: null });
    if (event.type === "host-answered") commands.push({ id: event.command, taken: true, result: "confirmed" });
    if (event.type === "command-ended") {
      const { command: id, result, of, reason } = event;
      const said = of !== undefined || reason !== undefined ? { outcome: JSON.stringify({ of, reason }) } : {};
      commands.push({ id, taken: false, result, ...said });
    }
  }
  if (commands.length === 0) return;
  await rowsOf(
    tx,
    sql`update command c set
          taken_at = case when u.taken then coalesce(c.taken_at, ${now}::bigint) else c.taken_at end,
          ended_at = case when u.result is null then c.ended_at else ${now}::bigint end,
          result = coalesce(u.result, c.result), outcome = coalesce(u.outcome, c.outcome)
        from (select id, bool_or(taken) as taken, max(result) as result, max(outcome) as outcome
              from json_to_recordset(${JSON.stringify(commands)}::json)
                as r(id bigint, taken boolean, result text, outcome text)
              group by id) u
        where c.site_id = ${push.site} and c.gateway_id = ${push.gateway} and c.id = u.id`,
  );
}
