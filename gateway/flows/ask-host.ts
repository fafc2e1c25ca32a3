/**
 * A guard asks the host whether a visitor without a pass may come in. The question goes to the cloud now or not at all, because nobody waits
 * at the gate for a line; the answer comes with a poll and moves nothing: the guard lets the visitor in, or does not.
 */
import type { Millis } from "../domain/instant.ts";
import { isOpen, type NotAsked, type Question, type QuestionState, wasAsked } from "../domain/questions.ts";
import { GatewayError } from "../errors.ts";
import type { HostAnswer } from "../ports/cloud-link.ts";
import type { QuestionLink } from "../ports/question-link.ts";
import { type QuestionReply, questionLifeMs } from "../wire/gateway-api.ts";
import { type ArrivedCommand, end, isLate } from "./remote-command.ts";
import type { SiteParts } from "./site-parts.ts";

/** Then it counts as no line; a guard and a visitor stand there meanwhile. */
const askWithinMs: Millis = 5_000;

export interface AskedQuestion extends Omit<Question, "state" | "askedAt"> {
  /** Whom the guard chose of several. */
  readonly host?: string | undefined;
  /** Since the guard pressed. */
  readonly ageMs?: Millis | undefined;
}

/** What became of it so far. "number-used": under its id another visitor was asked about. Nobody is asked twice under one id. */
export async function askHost(
  site: SiteParts,
  link: QuestionLink,
  { host, ageMs = 0, ...asked }: AskedQuestion,
): Promise<Question | "number-used"> {
  const now = site.clock.monotonic();
  const known = site.questions.find(asked.id, now);
  if (known && (known.visitor.name !== asked.visitor.name || known.accessPoint !== asked.accessPoint))
    return "number-used";
  if (known && wasAsked(known)) return known;
  const question: Question = { ...asked, askedAt: now - ageMs, state: { is: "asking" } };
  site.questions.keep(question);
  const { name, type } = asked.visitor;
  const wire = {
    id: asked.id,
    accessPoint: asked.accessPoint,
    staff: asked.staff,
    ageMs,
    visitor: { name, ...(type !== undefined && { type }) },
    host: host === undefined ? { name: asked.visitor.hostName } : { id: host },
  };
  const state = await stateAfter(site, (signal) => link.askHost(wire, signal));
  // The answer may have been quicker than the reply.
  const present = site.questions.find(asked.id, site.clock.monotonic());
  if (present?.state.is !== "asking") return present ?? question;
  return change(site, present, state);
}

async function stateAfter(
  site: SiteParts,
  ask: (signal: AbortSignal) => Promise<QuestionReply>,
): Promise<QuestionState> {
  const [late, answered] = [new AbortController(), new AbortController()];
  site.clock.sleep(askWithinMs, answered.signal).then(
    () => late.abort(new Error(`no answer within ${askWithinMs} ms`)),
    () => undefined,
  );
  try {
    const reply = await ask(AbortSignal.any([site.stopping, late.signal]));
    if (reply.outcome === "asked") return { is: "waiting", host: reply.host };
    if (reply.outcome === "choose") return { is: "choose", hosts: reply.hosts };
    if (reply.outcome === "over") return { is: "unanswered", host: undefined };
    return { is: reply.outcome satisfies NotAsked };
  } catch (error) {
    if (!(error instanceof GatewayError) && !late.signal.aborted && !site.stopping.aborted) throw error;
    site.logger.warn("host-not-asked", { error: error as Error });
    return { is: "no-line" };
  } finally {
    answered.abort();
  }
}

/** A host's answer has come. To a question that nobody waits for any more it says nothing: it is written down as expired. */
export async function hearHost(site: SiteParts, arrived: ArrivedCommand<HostAnswer>): Promise<void> {
  const { command } = arrived;
  if (command.id <= site.records.lastCommand || site.stopping.aborted) return;
  const question = site.questions.find(command.question, site.clock.monotonic());
  const isDecided = site.records.visits.withNonce(command.question) !== undefined;
  // The line may have broken after the cloud was asked, and before it said so.
  const mayBeAsked = question && (isOpen(question) || question.state.is === "no-line");
  if (!mayBeAsked || isDecided || isLate(site, arrived, questionLifeMs)) return end(site, command, "expired");
  const { id, accessPoint, approves, by } = command;
  const taken = site.journal.recordEvent({
    type: "host-answered",
    command: id,
    accessPoint,
    question: question.id,
    approves,
    staff: question.staff,
    by,
  });
  await taken.durable;
  const told = question.state.is === "waiting" ? question.state.host : undefined;
  const host = { id: by, name: told?.name ?? question.visitor.hostName };
  change(site, question, approves ? { is: "approved", host, at: site.clock.monotonic() } : { is: "denied", host });
  site.logger.info("host-answered", { command: id, accessPoint, approves });
}

function change(site: SiteParts, question: Question, state: QuestionState): Question {
  const changed = { ...question, state };
  site.questions.keep(changed);
  site.news.tell();
  return changed;
}

/** The question once it is no longer open, or as it is after `waitMs`. */
export async function awaitHost(
  site: SiteParts,
  id: string,
  waitMs: Millis,
  gone: AbortSignal,
): Promise<Question | undefined> {
  const until = site.clock.monotonic() + waitMs;
  for (;;) {
    const news = site.news.signal;
    const now = site.clock.monotonic();
    const question = site.questions.find(id, now);
    if (!question || !isOpen(question) || now >= until || gone.aborted || site.stopping.aborted) return question;
    const wake = AbortSignal.any([news, gone, site.stopping]);
    await site.clock.sleep(until - now, wake).catch(() => undefined);
  }
}

/** Whether the host has said no when asked under this number. A guard who lets the visitor in all the same does so under another. */
export function wasDenied(site: SiteParts, id: string): boolean {
  return site.questions.find(id, site.clock.monotonic())?.state.is === "denied";
}

/** The host who said that this visitor may come in here; undefined: nobody did, or it was too long ago. */
export function approvalOf(
  site: SiteParts,
  id: string,
  visitor: { readonly name: string; readonly accessPoint: string },
): string | undefined {
  const question = site.questions.find(id, site.clock.monotonic());
  if (question?.state.is !== "approved" || question.accessPoint !== visitor.accessPoint) return undefined;
  return question.visitor.name === visitor.name ? question.state.host.id : undefined;
}
