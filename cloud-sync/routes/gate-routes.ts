/** What a guard's phone or a program asks of a gate through the cloud; of the shapes that a gateway answers itself. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type DenyReason, denyReasons } from "../../gateway/domain/decide.ts";
import { denialTexts } from "../../gateway/domain/denial-text.ts";
import { gateResults, gateTexts } from "../../gateway/domain/gate-text.ts";
import { entryAnswerFields, nonceField, scanFields, verdictFields } from "../../gateway/wire/guard-api.ts";
import { preferredLanguage } from "../../web/language.ts";
import { fieldProblem, HttpProblem, refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { type Actor, may } from "../domain/permissions.ts";
import { checkAtGate, type EntryAtGate, enterAtGate, type Gate, type GateVerdict, gateOf } from "../gate-desk.ts";
import { chosenSite } from "../own-grants.ts";
import { isLanguage, type Language } from "../pages/words/words.ts";
import { asks } from "./asks.ts";
import { idText, iso, json, jsonBody, problems } from "./shapes.ts";

const tags = ["Guards"];
const siteField = {
  site: idText.optional().openapi({ description: "Left out: the only one that the caller belongs to." }),
};
/** Held while a gate answers. */
const waitingMax = 200;

const validateQr = createRoute({
  method: "post",
  path: "/api/validate-qr",
  tags,
  summary: "May this visitor come in now?",
  description:
    "By the gates' own rule on what the cloud knows; entries are counted as the gate should hold them. Counts nothing, opens nothing, writes nothing down. `visitor`: for whoever may see passes.",
  ...asks("doors.open"),
  request: { body: jsonBody(z.object({ ...scanFields, ...siteField })) },
  responses: { 200: json(z.object(verdictFields), "The verdict"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const logEntry = createRoute({
  method: "post",
  path: "/api/log-entry",
  tags,
  summary: "Count this visitor in and open the gate",
  description:
    "The gate decides, counts and opens, as for its own guards; the cloud asks it and waits. 503: it could not be asked, or has not answered; the same `nonce` again is the same entry. A guard or owner enters in their own name, an API key names its guard. Photos are taken at the gate.",
  ...asks("doors.open"),
  request: { body: jsonBody(z.object({ ...scanFields, ...siteField, ...nonceField })) },
  responses: {
    200: json(z.object(entryAnswerFields), "What became of it"),
    ...problems(400, 401, 403, 409, 413, 415, 429, 503),
  },
});

export function gateRoutes(parts: CloudParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  let waiting = 0;

  const asked = async (
    c: Context<CloudEnv>,
    body: { readonly site?: string | undefined; readonly access_point?: string | undefined },
  ) => {
    const site = await chosenSite(parts.store.db, c.get("actor"), "doors.open", body.site, "body");
    return gateOf(parts, site, body.access_point);
  };

  app.openapi(validateQr, async (c) => {
    const body = c.req.valid("json");
    const gate = await asked(c, body);
    guardOf(c.get("actor"), body.guard_id);
    const verdict = await checkAtGate(parts, gate, body.record_uid);
    const lang = languageOf(c);
    const reason = verdict.decision.outcome === "denied" ? verdict.decision.reason : null;
    const message = reason === null ? gateTexts[lang].mayEnter : denialText(reason, verdict.heldAt, lang);
    const visitor = visitorOf(c.get("actor"), gate, verdict);
    return c.json({ access_granted: reason === null, reason, message, warning: null, visitor }, 200);
  });

  app.openapi(logEntry, async (c) => {
    const body = c.req.valid("json");
    if (body.photo !== undefined) throw fieldProblem("body.photo", "photos are taken at the gate itself");
    const gate = await asked(c, body);
    const { nonce, age_ms: ageMs = 0 } = body;
    const staff = guardOf(c.get("actor"), body.guard_id) ?? c.get("actor").id;
    if (waiting >= waitingMax)
      throw new HttpProblem(429, "too-many-waiting", `At most ${waitingMax} wait for gates at once.`);
    waiting += 1;
    try {
      const entry = await enterAtGate(parts, askerOf(c), gate, body.record_uid, { nonce, staff, ageMs });
      const visitor = visitorOf(c.get("actor"), gate, await checkAtGate(parts, gate, body.record_uid));
      return c.json({ ...answerOf(entry, languageOf(c)), warning: null, visitor }, 200);
    } finally {
      waiting -= 1;
    }
  });

  return app;
}

/** A person asks in their own name; a key, which is nobody, names the guard. */
function guardOf(actor: Actor, named: string | undefined): string | undefined {
  if (actor.person && named !== undefined && named !== actor.id)
    throw new HttpProblem(403, "other-guard", "guard_id names somebody else than who has signed in.");
  return named;
}

function languageOf(c: Context): Language {
  return preferredLanguage(c.req.header("accept-language"), isLanguage, "en");
}

function denialText(reason: DenyReason, heldAt: string | undefined, lang: Language): string {
  const text = denialTexts[reason][lang];
  return heldAt === undefined ? text : `${text} (${heldAt})`;
}

function answerOf({ result, entry, reason: said }: EntryAtGate, lang: Language) {
  const reason = denyReasons.find((one) => one === said) ?? null;
  if (result === "refused") {
    const message = reason === null ? gateTexts[lang]["not-moved"] : denialText(reason, undefined, lang);
    const gate = entry === null ? null : ("not-moved" as const);
    return { access_granted: false, reason, message, entry: null, gate };
  }
  const gate = gateResults[result as keyof typeof gateResults] ?? "unknown";
  return { access_granted: true, reason: null, message: gateTexts[lang][gate], entry, gate };
}

function visitorOf(actor: Actor, { site }: Gate, { pass }: GateVerdict) {
  if (!pass || !may(actor, "passes.read", { site: site.id, madeBy: pass.grant.createdBy })) return null;
  const { grant, entriesUsed, entriesLeft } = pass;
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  return {
    name: grant.holder.name,
    type: text(grant.about.visitorType),
    host_name: grant.host?.name ?? null,
    document_num: grant.holder.document ?? null,
    notes: text(grant.about.notes),
    valid_until: iso(grant.validity.until),
    entries_used: entriesUsed,
    entries_allowed: grant.entriesAllowed,
    entries_left: entriesLeft,
    last_photo: null,
    signed_only: false,
  };
}
