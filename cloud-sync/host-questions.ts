/**
 * A guard asks a host about a visitor without a pass: the host is told at once, answers on a page that only the notice leads to, once and
 * within two minutes, and the answer goes to the gate as a command that moves nothing.
 */
import type { Instant, Millis } from "../gateway/domain/instant.ts";
import { type QuestionReply, questionLifeMs, type WireQuestion } from "../gateway/wire/gateway-api.ts";
import { fieldProblem } from "../web/problem.ts";
import type { CloudParts } from "./cloud-parts.ts";
import { commandState } from "./domain/command-state.ts";
import { findHosts, type NamedHost } from "./domain/find-hosts.ts";
import { may } from "./domain/permissions.ts";
import type { Caller } from "./people/caller.ts";
import { recordAudit } from "./store/audit-trail.ts";
import { issueCommand, readCommand } from "./store/commands.ts";
import { type GatewayRow, readGateway } from "./store/gateways.ts";
import {
  countQuestions,
  findQuestion,
  type HostQuestionRow,
  hostsOf,
  keepQuestion,
  lockQuestion,
  noteAnswer,
  readQuestion,
} from "./store/host-questions.ts";
import { readChoice } from "./store/notice-choices.ts";
import { putQuestionOut } from "./store/notices.ts";
import { type Person, readPerson } from "./store/people.ts";
import { listSubscriptions } from "./store/push-subscriptions.ts";
import { staffEverOf } from "./store/staff.ts";
import type { Queries, Transaction } from "./store/store.ts";

const candidatesMax = 8;
/** A host is asked so often within a while, over all gates; a gateway waits for so many at a time. */
const perHostMax = 5;
const perHostMs: Millis = 10 * 60_000;
const openMax = 20;

/** Throws a problem that names the field at fault. */
export async function takeQuestion(
  parts: CloudParts,
  gateway: GatewayRow,
  question: WireQuestion,
  from: Caller,
): Promise<QuestionReply> {
  const seal = await parts.siteKeys.seal(parts.store.db, gateway.siteId);
  return parts.store.transaction(async (tx): Promise<QuestionReply> => {
    const now = parts.clock.wall();
    const { siteId, id: gatewayId } = gateway;
    const { id, staff, accessPoint, visitor, ageMs } = question;
    const known = await readQuestion(tx, { siteId, gatewayId, id });
    if (known) return replyTo(tx, known, now);
    if (!(await staffEverOf(tx, siteId, [staff])).has(staff))
      throw fieldProblem("body.staff", "is nobody who works at this site");
    const found = whoIsMeant(await hostsOf(tx, siteId), question);
    if ("reply" in found) return found.reply;
    const { host } = found;
    const expiresAt = now + questionLifeMs - Math.round(ageMs);
    if (expiresAt <= now) return { outcome: "over" };
    const { ofHost, openHere } = await countQuestions(tx, { siteId, gatewayId, hostId: host.id }, now, perHostMs);
    if (ofHost >= perHostMax || openHere >= openMax) return { outcome: "too-many" };
    const person = await readPerson(tx, host.id);
    if (!person || !(await isReachable(parts, tx, person))) return { outcome: "unreachable" };
    const place = { siteId, gatewayId, id };
    const facts = { hostId: host.id, accessPoint, staffId: staff, askedAt: now, expiresAt };
    const of = { visitorName: visitor.name, visitorType: visitor.type ?? null };
    if (!(await keepQuestion(tx, { ...place, ...facts, ...of }, seal))) return { outcome: "asked", host };
    if (!(await putQuestionOut(tx, { site: siteId, gateway: gatewayId, question: id }, host.id, expiresAt, now)))
      return { outcome: "too-many" };
    const after = { host: host.id, accessPoint, gateway: gatewayId };
    await recordAudit(tx, { site: siteId, actor: staff, from, action: "walk-ins.ask", thing: id, after }, now);
    return { outcome: "asked", host };
  });
}

async function replyTo(tx: Transaction, row: HostQuestionRow, now: Instant): Promise<QuestionReply> {
  if (row.answeredAt !== null || row.expiresAt <= now) return { outcome: "over" };
  const name = (await readPerson(tx, row.hostId))?.name ?? "";
  return { outcome: "asked", host: { id: row.hostId, name } };
}

function whoIsMeant(
  hosts: readonly NamedHost[],
  { host }: WireQuestion,
): { readonly host: NamedHost } | { readonly reply: QuestionReply } {
  if ("id" in host) {
    const chosen = hosts.find(({ id }) => id === host.id);
    return chosen ? { host: chosen } : { reply: { outcome: "nobody" } };
  }
  const found = findHosts(hosts, host.name, candidatesMax);
  if ("meant" in found) return { host: found.meant };
  const { candidates } = found;
  return { reply: candidates.length === 0 ? { outcome: "nobody" } : { outcome: "choose", hosts: [...candidates] } };
}

/** Whether a notice has any way to this person. */
async function isReachable({ app, mail }: CloudParts, db: Queries, person: Person): Promise<boolean> {
  const { channel } = await readChoice(db, person.id);
  if (channel === "none") return false;
  if (mail !== undefined && person.email !== null) return true;
  return channel === "push" && (app !== undefined || (await listSubscriptions(db, person.id)).length > 0);
}

/**
 * open: it can be answered · sent: on its way to the gate · told: the gate knows · late: the answer did not get there in time · over: nobody
 * answered.
 */
export type QuestionStanding = "open" | "sent" | "told" | "late" | "over";

export interface AskedHost {
  readonly row: HostQuestionRow;
  readonly standing: QuestionStanding;
}

/** undefined: no question has this link, or it is no longer for whoever was asked. */
export async function readAsked({ store, clock }: CloudParts, token: string): Promise<AskedHost | undefined> {
  const row = await findQuestion(store.db, token);
  if (!row || !(await isStillHost(store.db, row))) return undefined;
  return { row, standing: await standingOf(store.db, row, clock.wall()) };
}

async function standingOf(db: Queries, row: HostQuestionRow, now: Instant): Promise<QuestionStanding> {
  if (row.commandId === null) return now < row.expiresAt ? "open" : "over";
  const command = await readCommand(db, row.siteId, row.gatewayId, row.commandId);
  switch (command && commandState(command, now)) {
    case "pending":
      return "sent";
    case "done":
      return "told";
    default:
      return "late";
  }
}

async function isStillHost(db: Queries, { siteId, hostId }: HostQuestionRow): Promise<boolean> {
  const person = await readPerson(db, hostId);
  return person !== undefined && person.disabledAt === null && may(person, "passes.read", { site: siteId });
}

/** Only the first answer counts, and none that comes too late; nothing is sent then. undefined: as for readAsked. */
export async function answerQuestion(
  parts: CloudParts,
  token: string,
  approves: boolean,
  from: Caller,
): Promise<AskedHost | undefined> {
  const { store, clock, logger } = parts;
  const isAnswered = await store.transaction(async (tx) => {
    const now = clock.wall();
    const row = await lockQuestion(tx, token);
    if (!row || row.answeredAt !== null || row.expiresAt <= now || !(await isStillHost(tx, row))) return false;
    const gateway = await readGateway(tx, row.gatewayId);
    if (!gateway || gateway.revokedAt !== null) return false;
    const { siteId: site, gatewayId, accessPoint, hostId: by, id } = row;
    const target = { site, gateway: gatewayId, accessPoint, action: "host-answer", by } as const;
    const details = { question: id, approves };
    const command = await issueCommand(tx, { ...target, details, ttlMs: row.expiresAt - now }, now);
    await noteAnswer(tx, row, { approves, answeredAt: now, commandId: command.id });
    const after = { approves, accessPoint, gateway: gatewayId, guard: row.staffId };
    await recordAudit(tx, { site, actor: by, from, action: "walk-ins.answer", thing: id, after }, now);
    return true;
  });
  const asked = await readAsked(parts, token);
  if (isAnswered && asked)
    logger.info("host-answered", { site: asked.row.siteId, gateway: asked.row.gatewayId, approves });
  return asked;
}
