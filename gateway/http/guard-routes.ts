/** What a guard's phone asks the gateway: may this visitor come in, and count this one in. Answered from the records here, with or without the cloud. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { limitBody } from "../../web/limits.ts";
import { fieldProblem, HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import type { AccessPoint } from "../domain/access-point.ts";
import type { DenyReason } from "../domain/decide.ts";
import { denialTexts, type Language } from "../domain/denial-text.ts";
import { gateResults } from "../domain/gate-text.ts";
import { farOutside, type GuardRules, type Position } from "../domain/guard-rules.ts";
import type { StaffMember } from "../domain/staff.ts";
import {
  checkPass,
  type GuardWord,
  type LoggedEntry,
  logEntry,
  type Visitor,
  visitorOfPass,
} from "../flows/guard-scan.ts";
import type { SiteParts } from "../flows/site-parts.ts";
import type { Attachments } from "../ports/attachments.ts";
import type { QuestionLink } from "../ports/question-link.ts";
import { entryAnswerFields, nonceField, scanFields, verdictFields } from "../wire/guard-api.ts";
import { guardWords } from "./guard-words.ts";
import { languageOf } from "./language.ts";
import { json, jsonBody, problems } from "./schemas.ts";
import type { StaffSession } from "./staff-sessions.ts";

const bodyBytesMax = 16 * 1024;

/** What guards' routes and pages work with. */
export interface GuardSources {
  readonly site: SiteParts;
  readonly guards: GuardRules;
  readonly attachments: Attachments;
  readonly questionLink: QuestionLink;
}

const validateQr = createRoute({
  method: "post",
  path: "/validate-qr",
  tags: ["Guards"],
  summary: "May this visitor come in now?",
  description: "Counts nothing and opens nothing. A denial is written down. Needs a guard who has signed in.",
  request: { body: jsonBody(z.object(scanFields)) },
  responses: { 200: json(z.object(verdictFields), "The verdict"), ...problems(400, 401, 403, 413, 429) },
});

const logEntryRoute = createRoute({
  method: "post",
  path: "/log-entry",
  tags: ["Guards"],
  summary: "Count this visitor in and open the gate",
  description:
    "Decides anew. `nonce` is the request's own number: sent again it answers what became of the first, and counts nothing twice. Needs a guard who has signed in.",
  request: {
    body: jsonBody(
      z.object({
        ...scanFields,
        ...nonceField,
      }),
    ),
  },
  responses: {
    200: json(z.object(entryAnswerFields), "What became of it"),
    ...problems(400, 401, 403, 409, 413, 429, 503),
  },
});

export function addGuardRoutes(
  app: OpenAPIHono<RequestIdEnv>,
  sources: GuardSources,
  sessionOf: (c: Context) => StaffSession | undefined,
): void {
  const { site } = sources;
  for (const path of ["/validate-qr", "/log-entry"]) app.use(path, limitBody(bodyBytesMax));

  app.openapi(validateQr, async (c) => {
    const body = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id);
    const accessPoint = gateOf(site, body.access_point).id;
    const { reason, visitor, heldAt } = await checkPass(site, { staff, accessPoint, uid: body.record_uid });
    const language = languageOf(c);
    const message = reason === undefined ? guardWords[language].mayEnter : denialMessage(language, reason, heldAt);
    return c.json(
      {
        access_granted: reason === undefined,
        reason: reason ?? null,
        message,
        warning: warningOf(sources, body.geolocation, language),
        visitor: visitor ? shapeOf(visitor) : null,
      },
      200,
    );
  });

  app.openapi(logEntryRoute, async (c) => {
    const body = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id);
    const scanned = { staff, accessPoint: gateOf(site, body.access_point).id, uid: body.record_uid };
    const logged = await logEntry(site, scanned, wordOf(sources, body, { isEntry: true }));
    const visitor = visitorOfPass(site, scanned);
    const language = languageOf(c);
    const warning = warningOf(sources, body.geolocation, language);
    return c.json({ ...answerOf(logged, language), warning, visitor: visitor ? shapeOf(visitor) : null }, 200);
  });
}

export function denialMessage(language: Language, reason: DenyReason, heldAt: string | undefined): string {
  const text = denialTexts[reason][language];
  return heldAt === undefined ? text : `${text} (${heldAt})`;
}

/** The gate that was named, or the only one there is. */
export function gateOf({ accessPoints }: SiteParts, named: string | undefined): AccessPoint {
  const [only] = accessPoints.values();
  const found = named === undefined ? (accessPoints.size === 1 ? only : undefined) : accessPoints.get(named);
  if (found) return found;
  const known = [...accessPoints.keys()].join(", ");
  throw fieldProblem(
    "body.access_point",
    named === undefined
      ? `name the gate; there are ${known}`
      : `the gateway serves no such access point; there are ${known}`,
  );
}

function warningOf({ guards }: GuardSources, position: Position | undefined, language: Language): string | null {
  const farM = farOutside(guards, position);
  return farM === undefined ? null : guardWords[language].far(farM);
}

/** Throws a problem that names `photo` where one is asked for and missing, or was never sent. */
export function wordOf(
  { guards, attachments, site }: GuardSources,
  said: {
    readonly nonce: string;
    readonly photo?: string | undefined;
    readonly age_ms?: number | undefined;
    readonly geolocation?: Position | undefined;
  },
  { isEntry = false }: { readonly isEntry?: boolean } = {},
): GuardWord {
  const { nonce, photo, geolocation, age_ms: ageMs } = said;
  const isRepeat = site.records.visits.withNonce(nonce) !== undefined;
  if (photo !== undefined && !isRepeat && !attachments.has(photo))
    throw fieldProblem("body.photo", "there is no such photo here; send it first, by POST /photos");
  // Without room for photos people still come in.
  const isDemanded = isEntry && guards.photo === "required" && !attachments.isFull;
  if (isDemanded && photo === undefined && !isRepeat)
    throw fieldProblem("body.photo", "this site wants a photo of each visitor; send it first, by POST /photos");
  return { nonce, photo, ageMs, farM: farOutside(guards, geolocation) };
}

export function demandGuard(session: StaffSession | undefined, named: string | undefined): StaffMember {
  if (!session) throw new HttpProblem(401, "unauthorized", "Sign in at the gateway first.");
  if (named !== undefined && named !== session.member.id)
    throw new HttpProblem(403, "other-guard", "guard_id names somebody else than who has signed in.");
  return session.member;
}

function answerOf(logged: LoggedEntry, language: Language) {
  const words = guardWords[language];
  switch (logged.outcome) {
    case "released":
      return {
        access_granted: true,
        reason: null,
        message: words.gate[gateResults[logged.result]],
        entry: logged.seq,
        gate: gateResults[logged.result],
      };
    case "void":
      return {
        access_granted: false,
        reason: logged.why === "revoked" ? ("REVOKED" as const) : null,
        message: words.gate["not-moved"],
        entry: null,
        gate: "not-moved" as const,
      };
    case "denied":
      return {
        access_granted: false,
        reason: logged.reason,
        message: denialMessage(language, logged.reason, undefined),
        entry: null,
        gate: null,
      };
    case "unanswered":
      if (logged.why === "number-used")
        throw fieldProblem("body.nonce", "another pass was counted under it; make a new one", 409);
      throw new HttpProblem(503, logged.why, "Nothing was counted and nothing moved. Send the same again.", {
        headers: { "retry-after": "1" },
      });
  }
}

export function shapeOf({ grant, isSigned, entriesUsed, entriesLeft, lastPhoto }: Visitor) {
  const { holder, host, about, validity, entriesAllowed } = grant;
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    name: holder.name,
    type: text(about.visitorType),
    host_name: host?.name ?? null,
    document_num: holder.document ?? null,
    notes: text(about.notes),
    valid_until: new Date(validity.until).toISOString(),
    entries_used: entriesUsed,
    entries_allowed: entriesAllowed,
    entries_left: entriesLeft,
    last_photo: lastPhoto ?? null,
    signed_only: isSigned,
  };
}
