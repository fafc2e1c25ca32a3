/** A guard asks the host of a visitor without a pass, and hears what became of it. */
import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { limitBody, RateLimiter } from "../../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import { type Question, wasAsked } from "../domain/questions.ts";
import { askHost, awaitHost } from "../flows/ask-host.ts";
import { nonceField, scanFields } from "../wire/guard-api.ts";
import { demandGuard, type GuardSources, gateOf } from "./guard-routes.ts";
import { guardWords } from "./guard-words.ts";
import { languageOf } from "./language.ts";
import { json, jsonBody, problems } from "./schemas.ts";
import type { StaffSession } from "./staff-sessions.ts";
import { line, numberUsed } from "./visit-routes.ts";

const bodyBytesMax = 16 * 1024;
/** A name is asked for again where several may be meant. */
const askRate = { burst: 10, perSecond: 0.1 };
/** Below a phone's own patience. */
export const heldMaxMs = 8_000;

export const questionStates = [
  "asking",
  "waiting",
  "approved",
  "denied",
  "unanswered",
  "spent",
  "choose",
  "nobody",
  "unreachable",
  "too-many",
  "no-line",
] as const;

const questionSchema = z
  .object({
    state: z.enum(questionStates).openapi({
      description:
        "waiting: the host was told · unanswered: their two minutes are over · spent: approved too long ago · choose: nobody was asked yet; send it again with `host` · nobody: there is no host of this name · unreachable: this one cannot be told · no-line: the cloud is away.",
    }),
    message: z.string().openapi({ description: "For people, in the language that the request asks for (en, es)." }),
    host_name: z.string().nullable(),
    hosts: z.array(z.object({ id: z.string(), name: z.string() })).openapi({ description: "Who may be meant." }),
  })
  .openapi("Question");

const ask = createRoute({
  method: "post",
  path: "/walk-in/ask",
  tags: ["Guards"],
  summary: "Ask the host whether a visitor without a pass may come in",
  description:
    "Opens nothing: with the same nonce, POST /walk-in lets the visitor in once the host has approved. Sent again it asks nobody twice.",
  request: {
    body: jsonBody(
      z.object({
        access_point: scanFields.access_point,
        guard_id: scanFields.guard_id,
        nonce: nonceField.nonce,
        age_ms: nonceField.age_ms,
        name: line(200),
        type: line(60).optional(),
        document: line(100).optional(),
        note: line(500).optional(),
        host_name: line(200),
        host: z.string().min(1).max(128).optional().openapi({ description: "One of `hosts`." }),
      }),
    ),
  },
  responses: { 200: json(questionSchema, "What became of it so far"), ...problems(400, 401, 403, 409, 413, 429) },
});

const read = createRoute({
  method: "get",
  path: "/walk-in/ask/{nonce}",
  tags: ["Guards"],
  summary: "What the host says",
  request: {
    params: z.object({ nonce: z.string().max(64) }),
    query: z.object({ wait_ms: z.coerce.number().int().min(0).max(heldMaxMs).default(0) }),
  },
  responses: { 200: json(questionSchema, "What became of it so far"), ...problems(400, 401, 404, 429) },
});

export function addAskRoutes(
  app: OpenAPIHono<RequestIdEnv>,
  { site, questionLink }: GuardSources,
  sessionOf: (c: Context) => StaffSession | undefined,
): void {
  const asks = new RateLimiter(askRate, () => site.clock.monotonic());
  app.use("/walk-in/ask", limitBody(bodyBytesMax));

  app.openapi(ask, async (c) => {
    const { name, type, document, note, host_name: hostName, host, nonce: id, ...body } = c.req.valid("json");
    const staff = demandGuard(sessionOf(c), body.guard_id).id;
    const accessPoint = gateOf(site, body.access_point).id;
    const known = site.questions.find(id, site.clock.monotonic());
    if (!known || !wasAsked(known)) asks.demand(staff);
    const visitor = {
      name,
      hostName,
      ...(type !== undefined && { type }),
      ...(document !== undefined && { document }),
      ...(note !== undefined && { note }),
    };
    const asked = await askHost(site, questionLink, { id, staff, accessPoint, visitor, host, ageMs: body.age_ms });
    if (asked === "number-used") throw numberUsed();
    return c.json(shapeOf(c, asked), 200);
  });

  app.openapi(read, async (c) => {
    demandGuard(sessionOf(c), undefined);
    const { nonce } = c.req.valid("param");
    const question = await awaitHost(site, nonce, c.req.valid("query").wait_ms, c.req.raw.signal);
    if (!question) throw new HttpProblem(404, "not-found", guardWords[languageOf(c)].ask.unknown);
    return c.json(shapeOf(c, question), 200);
  });
}

function shapeOf(c: Context, { state }: Question) {
  return {
    state: state.is,
    message: guardWords[languageOf(c)].ask.states[state.is],
    host_name: "host" in state ? (state.host?.name ?? null) : null,
    hosts: state.is === "choose" ? state.hosts.map(({ id, name }) => ({ id, name })) : [],
  };
}
