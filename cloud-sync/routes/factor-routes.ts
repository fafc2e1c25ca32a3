/** One's own second factor: an authenticator app and its recovery codes. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { SecretString } from "../../gateway/wire/secret.ts";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { callerOf } from "../people/caller.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { confirmTotp, offerTotp, removeTotp, type Self } from "../people/second-factor.ts";
import { asks } from "./asks.ts";
import { requireSelf, sessionOf } from "./me-routes.ts";
import { json, jsonBody, problems } from "./shapes.ts";

const tags = ["Own account"];
/** What an open browser could do for somebody who only passes by is asked for by the password. */
export const byPassword = z.strictObject({ password: z.string().min(1).max(1024) });

const offer = createRoute({
  method: "post",
  path: "/api/me/totp",
  tags,
  summary: "Get a secret for an authenticator app",
  description: "It counts once POST /api/me/totp/confirm has seen a code of it; one set up before counts until then.",
  ...asks("account.self"),
  request: { body: jsonBody(byPassword) },
  responses: {
    200: json(z.object({ secret: z.string(), address: z.string() }), "To type in, or as otpauth:// for a QR code"),
    ...problems(400, 401, 403, 413, 415, 429),
  },
});

const confirm = createRoute({
  method: "post",
  path: "/api/me/totp/confirm",
  tags,
  summary: "Confirm the app by one of its codes",
  description: "Ends every other session of the person, and answers new recovery codes, each good once.",
  ...asks("account.self"),
  request: { body: jsonBody(z.strictObject({ code: z.string().min(1).max(64) })) },
  responses: {
    200: json(z.object({ recoveryCodes: z.array(z.string()) }), "The recovery codes, shown this once"),
    ...problems(400, 401, 403, 413, 415, 429),
  },
});

const remove = createRoute({
  method: "post",
  path: "/api/me/totp/remove",
  tags,
  summary: "Do without the app again",
  description: "A role that needs a second factor may then do nothing but set one up.",
  ...asks("account.self"),
  request: { body: jsonBody(byPassword) },
  responses: { 204: { description: "Removed" }, ...problems(400, 401, 403, 413, 415, 429) },
});

export function factorRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const self = async (c: Context<CloudEnv>): Promise<Self> => ({
    person: await requireSelf(people, c),
    session: sessionOf(c),
  });

  app.openapi(offer, async (c) => {
    const password = new SecretString(c.req.valid("json").password);
    const made = await offerTotp(people, await self(c), password, callerOf(c));
    if (made === "wrong") throw wrongPassword();
    return c.json({ secret: made.secret.reveal(), address: made.address.reveal() }, 200);
  });

  app.openapi(confirm, async (c) => {
    const codes = await confirmTotp(people, await self(c), c.req.valid("json").code, callerOf(c));
    if (!codes) throw fieldProblem("body.code", "is not a code of the app now; is the phone's clock right?");
    return c.json({ recoveryCodes: [...codes] }, 200);
  });

  app.openapi(remove, async (c) => {
    const password = new SecretString(c.req.valid("json").password);
    if ((await removeTotp(people, await self(c), password, callerOf(c))) === "wrong") throw wrongPassword();
    return c.body(null, 204);
  });

  return app;
}

export function wrongPassword() {
  return fieldProblem("body.password", "is not your password, or too many were tried");
}
