/**
 * Tells hosts of their visitors, and owners of their stays: by the community's app, else in every browser that asked for it, else by mail. A way that has reached its
 * person is not tried again; one that may do later is, thrice at most; a browser that is gone is forgotten.
 */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { PushResult } from "../channels/push.ts";
import { sendPush } from "../channels/web-push.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { isLanguage, languages } from "../pages/words/words.ts";
import { outboxSeal } from "../people/forgot-password.ts";
import { type NoticeTo, noticeTo, pushSeal, pushSettings } from "../people/notices.ts";
import { readNotice, type WaitingNotice } from "../store/notices.ts";
import { claimDue, dropOut, noticeKinds, type OutboxRow, settle, tryLater, turnToMail } from "../store/outbox.ts";
import { dropSubscriptions, markTold, pushKeys, readSubscriptions } from "../store/push-subscriptions.ts";
import type { Transaction } from "../store/store.ts";
import { withinDeadline } from "../within-deadline.ts";
import { emptyOutbox, sendAllDue } from "./empty-outbox.ts";

const sendWithinMs: Millis = 10_000;
const leaseMs: Millis = 3 * sendWithinMs;
/** After each failed attempt; then it is over. */
const pausesMs: readonly Millis[] = [5_000, 30_000, 120_000];
/** What a service asks for beyond this is not waited for. */
const pauseMsMax: Millis = 600_000;
/** A push service that hangs holds up no other. */
const atOnce = 4;
/** The way that is no browser. */
const appWay = "app";

/** Runs until `parts.stopping` fires. */
export async function sendNotices(parts: CloudParts): Promise<void> {
  const one = () => emptyOutbox(parts, noticeKinds, () => sendOne(parts));
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** All that is due now, one after the other; answers how long until the next is. */
export function sendDueNotices(parts: CloudParts): Promise<Millis> {
  return sendAllDue(parts, noticeKinds, () => sendOne(parts));
}

interface Sent {
  /** "app", or the subscription's id. */
  readonly way: string;
  readonly result: PushResult;
}

async function sendOne(parts: CloudParts): Promise<boolean> {
  const { store, clock } = parts;
  const claimed = await store.transaction(async (tx) => {
    const row = await claimDue(tx, noticeKinds, clock.wall(), leaseMs);
    if (!row) return undefined;
    const waiting = readNotice(row.body);
    const to = await noticeTo(parts, tx, row.id, row.personId ?? "", waiting);
    if (!to) await dropOut(tx, row.id);
    return { row, waiting, to };
  });
  if (!claimed) return false;
  const { row, waiting, to } = claimed;
  if (!to) return true;
  const isTooOld = clock.wall() >= row.expiresAt;
  const sent = to.choice.channel === "push" && !isTooOld ? await push(parts, to, waiting) : [];
  await store.transaction((tx) => writeDown(parts, tx, { row, waiting, to, sent }));
  logSent(parts, row, sent);
  return true;
}

/** By the app where that reaches them, else to all their browsers at once. */
async function push(parts: CloudParts, { person, notice }: NoticeTo, waiting: WaitingNotice): Promise<readonly Sent[]> {
  const { store, clock, app } = parts;
  const isOpen = (way: string) => !waiting.reached.includes(way) && !waiting.failed.includes(way);
  const byApp: Sent[] = [];
  if (app && isOpen(appWay)) {
    const result = await withinDeadline(parts, sendWithinMs, (signal) => app.send(person.id, notice, signal));
    byApp.push({ way: appWay, result });
    if (result.outcome === "sent" || result.outcome === "later") return byApp;
  }
  const seal = pushSeal(parts);
  const browsers = (await readSubscriptions(store.db, person.id, seal)).filter(({ id }) => isOpen(id));
  if (browsers.length === 0) return byApp;
  const keys = await pushKeys(store, seal, clock.wall());
  const settings = pushSettings(parts);
  const sendTo = async ({ id, subscription }: (typeof browsers)[number]): Promise<Sent> => {
    const result = await withinDeadline(parts, sendWithinMs, (signal) =>
      sendPush(settings, keys, subscription, notice, clock.wall(), signal),
    );
    return { way: id, result };
  };
  return [...byApp, ...(await Promise.all(browsers.map(sendTo)))];
}

interface Attempt {
  readonly row: OutboxRow;
  readonly waiting: WaitingNotice;
  readonly to: NoticeTo;
  readonly sent: readonly Sent[];
}

async function writeDown(parts: CloudParts, tx: Transaction, { row, waiting, to, sent }: Attempt): Promise<void> {
  const now = parts.clock.wall();
  const ways = (...outcomes: readonly PushResult["outcome"][]) =>
    sent.filter(({ result }) => outcomes.includes(result.outcome)).map(({ way }) => way);
  const reached = [...waiting.reached, ...ways("sent")];
  await dropSubscriptions(tx, ways("gone"));
  await markTold(tx, ways("sent"), now);
  const pauseMs = pauseAfter(row, sent);
  const why = whyNot(sent);
  if (pauseMs !== undefined) {
    const left = { ...waiting, reached, failed: [...waiting.failed, ...ways("gone", "never")] };
    return tryLater(tx, row.id, now + pauseMs, why ?? "", JSON.stringify(left));
  }
  if (reached.length > 0) return settle(tx, row.id, "sent", null, now);
  const { mail } = parts;
  if (!mail || to.person.email === null || now >= row.expiresAt)
    return settle(tx, row.id, "failed", why ?? row.why ?? "no way to reach them", now);
  await turnToMail(tx, row.id, outboxSeal(parts).seal(row.id, letter(to, parts.publicUrl)), now);
}

/** undefined: no way is left that may do later, or it was tried often enough. */
function pauseAfter({ attempts }: OutboxRow, sent: readonly Sent[]): Millis | undefined {
  const pauseMs = pausesMs[attempts - 1];
  const later = sent.flatMap(({ result }) => (result.outcome === "later" ? [result.afterMs ?? 0] : []));
  if (pauseMs === undefined || later.length === 0) return undefined;
  return Math.min(Math.max(pauseMs, ...later), pauseMsMax);
}

function whyNot(sent: readonly Sent[]): string | undefined {
  const whys = sent.flatMap(({ result }) => (result.outcome === "sent" ? [] : [result.why]));
  return whys.length === 0 ? undefined : [...new Set(whys)].join("; ");
}

function letter({ person, notice, letter: whose }: NoticeTo, publicUrl: string | undefined): string {
  const text = languages[isLanguage(notice.language) ? notice.language : "en"][whose].letter(
    person.name,
    notice.body,
    publicUrl === undefined ? null : publicUrl + notice.path,
  );
  return JSON.stringify({ to: person.email, subject: notice.title, text });
}

function logSent({ logger }: CloudParts, { id, attempts }: OutboxRow, sent: readonly Sent[]): void {
  for (const { way, result } of sent) {
    const facts = { notice: id, attempts, way };
    if (result.outcome === "sent") logger.info("notice-sent", facts);
    else if (result.outcome === "never") logger.error("notice-refused", { ...facts, why: result.why });
    else logger.warn(result.outcome === "gone" ? "notice-way-gone" : "notice-waits", { ...facts, why: result.why });
  }
}
