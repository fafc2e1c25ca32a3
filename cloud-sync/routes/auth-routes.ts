/** Signing in and out. A program gets tokens, a browser that asks for it a cookie. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { SecretString } from "../../gateway/wire/secret.ts";
import { HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { callerOf, callingNetwork, demandSameOrigin } from "../people/caller.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { openSession } from "../people/read-actor.ts";
import { giveSessionCookie, readSessionCookie, takeSessionCookie } from "../people/session-cookie.ts";
import { accessLifeS } from "../people/session-tokens.ts";
import { type SignedInSession, signIn, signInWithCode } from "../people/sign-in.ts";
import { endSession } from "../store/sessions.ts";
import { json, jsonBody, problems } from "./shapes.ts";

const tags = ["Sign-in"];

export const by = z.enum(["tokens", "cookie"]).default("tokens").openapi({
  description: "How the session is shown from then on; `cookie` for pages of this service alone.",
});
/** Longer than any that is taken, so that the answer does not tell the rule. */
const passwordText = z.string().min(1).max(1024);
const tokenText = z.string().min(1).max(4096);

export const signedInSchema = z
  .object({
    outcome: z.literal("signed-in"),
    person: z.string().openapi({ example: "person-7k3m9xw2pa3dq8fz" }),
    accessToken: z.string().optional().openapi({ description: "A JWT for `Authorization: Bearer …`." }),
    expiresInS: z.number().int().optional(),
    refreshToken: z.string().optional().openapi({ description: "Good once: POST /auth/refresh answers the next one." }),
  })
  .openapi("SignedIn");

const secondFactorSchema = z
  .object({
    outcome: z.literal("second-factor"),
    ticket: z.string().openapi({ description: "For POST /auth/second-factor, within five minutes." }),
    factors: z.array(z.enum(["totp", "passkey", "recovery-code"])),
  })
  .openapi("SecondFactorNeeded");

const busy = { 503: { description: "Too many sign in at this moment; see Retry-After" } };

const enter = createRoute({
  method: "post",
  path: "/auth/sign-in",
  tags,
  summary: "Sign in by user name or e-mail address and password",
  description:
    "Every refusal is the same 401: it does not tell whether there is such an account, or whether it is locked.",
  request: { body: jsonBody(z.strictObject({ name: z.string().min(1).max(320), password: passwordText, by })) },
  responses: {
    200: json(
      z.union([signedInSchema, secondFactorSchema]),
      "Signed in, or the password was right and a factor is missing",
    ),
    ...problems(400, 401, 403, 413, 415, 429),
    ...busy,
  },
});

const proveMore = createRoute({
  method: "post",
  path: "/auth/second-factor",
  tags,
  summary: "Finish a sign-in by a code of the app, or a recovery code",
  request: { body: jsonBody(z.strictObject({ ticket: tokenText, code: z.string().min(1).max(64), by })) },
  responses: { 200: json(signedInSchema, "Signed in"), ...problems(400, 401, 403, 413, 415, 429) },
});

const refresh = createRoute({
  method: "post",
  path: "/auth/refresh",
  tags,
  summary: "Exchange a refresh token for the next one and an access token",
  description: `A token whose answer was lost may be presented again, and is answered with the same successor. Once that successor, or the access token \
given with it, has been used for 20 s, the old one ends the session: two have it. So does any older one.`,
  request: { body: jsonBody(z.strictObject({ refreshToken: tokenText })) },
  responses: { 200: json(signedInSchema, "The next tokens"), ...problems(400, 401, 413, 415, 429) },
});

const leave = createRoute({
  method: "post",
  path: "/auth/sign-out",
  tags,
  summary: "End the session of the refresh token, else of the cookie",
  request: {
    body: {
      required: false,
      content: { "application/json": { schema: z.strictObject({ refreshToken: tokenText.optional() }) } },
    },
  },
  responses: { 204: { description: "It has ended, or there was none" }, ...problems(400, 403, 413, 415) },
});

export function authRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock, publicUrl, wrongTokens } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(enter, async (c) => {
    const { name, password, by } = c.req.valid("json");
    if (by === "cookie") demandSameOrigin(c, publicUrl);
    const result = await signIn(people, { name, password: new SecretString(password) }, callerOf(c));
    if (result.outcome === "refused") throw signInRefused();
    if (result.outcome === "second-factor")
      return c.json({ outcome: result.outcome, ticket: result.ticket.reveal(), factors: [...result.factors] }, 200);
    return c.json(await shown(people, c, result, by), 200);
  });

  app.openapi(proveMore, async (c) => {
    const { ticket, code, by } = c.req.valid("json");
    if (by === "cookie") demandSameOrigin(c, publicUrl);
    const result = await signInWithCode(people, { ticket, code }, callerOf(c));
    if (result.outcome === "refused")
      throw new HttpProblem(401, "second-factor-refused", "The code is wrong, used or late; or too many were tried.");
    return c.json(await shown(people, c, result, by), 200);
  });

  app.openapi(refresh, async (c) => {
    const opened = await openSession(people, c.req.valid("json").refreshToken, "now");
    if (!opened) {
      wrongTokens.demand(callingNetwork(c));
      throw new HttpProblem(401, "session-over", "The session is over; sign in again.");
    }
    const { session, ...rest } = opened;
    return c.json(await withTokens(people, { ...rest, outcome: "signed-in", session: session.id }), 200);
  });

  app.openapi(leave, async (c) => {
    const given = c.req.header("content-type") === undefined ? undefined : c.req.valid("json").refreshToken;
    const cookie = given === undefined ? readSessionCookie(c, publicUrl) : undefined;
    if (cookie !== undefined) demandSameOrigin(c, publicUrl);
    const opened = await openSession(people, given ?? cookie ?? "", "when-due");
    if (opened) await store.transaction((tx) => endSession(tx, opened.person.id, opened.session.id, clock.wall()));
    if (cookie !== undefined) takeSessionCookie(c, publicUrl);
    return c.body(null, 204);
  });

  return app;
}

export function signInRefused(): HttpProblem {
  return new HttpProblem(
    401,
    "sign-in-refused",
    "The name or the password is wrong, or there were too many attempts: then wait a while.",
  );
}

/** The answer to a finished sign-in, by tokens or by a cookie. */
export async function shown(people: PeopleParts, c: Context, result: SignedInSession, by: "tokens" | "cookie") {
  if (by === "tokens") return withTokens(people, result);
  giveSessionCookie(c, people.publicUrl, result.token);
  return { outcome: result.outcome, person: result.person.id };
}

async function withTokens({ tokens, clock }: PeopleParts, signedIn: SignedInSession) {
  const { outcome, person, session, token, number } = signedIn;
  const access = await tokens.access(person.id, session, number, clock.wall());
  return {
    outcome,
    person: person.id,
    accessToken: access.reveal(),
    expiresInS: accessLifeS,
    refreshToken: token.reveal(),
  };
}
