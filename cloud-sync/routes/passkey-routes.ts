/** Passkeys: signing in by one, and one's own list of them. Shapes are those of WebAuthn's toJSON() and parse…FromJSON(). */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { SecretString } from "../../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { callerOf, callingNetwork, demandSameOrigin, ownUrl } from "../people/caller.ts";
import {
  askForPasskey,
  forgetPasskey,
  keepPasskey,
  offerPasskey,
  relyingParty,
  signInByPasskey,
} from "../people/passkeys.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { listPasskeys, type PasskeyRow } from "../store/passkeys.ts";
import { asks } from "./asks.ts";
import { by, shown, signedInSchema } from "./auth-routes.ts";
import { byPassword, wrongPassword } from "./factor-routes.ts";
import { requireSelf, sessionOf } from "./me-routes.ts";
import { iso, isoOrNull, json, jsonBody, momentOrNull, notFound, problems, words } from "./shapes.ts";

const base64url = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[\w-]+$/, "base64url without padding");
const credentialId = base64url(1_400);
const options = z.record(z.string(), z.unknown()).openapi({ type: "object" });

/** Browsers say more than is looked at. */
const newCredential = z
  .looseObject({
    type: z.literal("public-key"),
    response: z.looseObject({
      clientDataJSON: base64url(4_096),
      authenticatorData: base64url(8_192),
      publicKey: base64url(4_096),
      transports: z.array(z.string().max(32)).max(8).default([]),
    }),
  })
  .openapi({ description: "`credential.toJSON()` of navigator.credentials.create()." });
const assertion = z
  .looseObject({
    id: credentialId,
    type: z.literal("public-key"),
    response: z.looseObject({
      clientDataJSON: base64url(4_096),
      authenticatorData: base64url(8_192),
      signature: base64url(4_096),
    }),
  })
  .openapi({ description: "`credential.toJSON()` of navigator.credentials.get()." });

const passkeySchema = z
  .object({ id: z.string(), name: z.string(), createdAt: z.string(), usedAt: momentOrNull })
  .openapi("Passkey");

const ask = createRoute({
  method: "post",
  path: "/auth/passkey/options",
  tags: ["Sign-in"],
  summary: "What navigator.credentials.get() takes",
  responses: { 200: json(options, "Options; the challenge is good for five minutes"), ...problems(429) },
});

const enter = createRoute({
  method: "post",
  path: "/auth/passkey",
  tags: ["Sign-in"],
  summary: "Sign in by a passkey, which is both factors",
  request: { body: jsonBody(z.strictObject({ credential: assertion, by })) },
  responses: { 200: json(signedInSchema, "Signed in"), ...problems(400, 401, 403, 413, 415, 429) },
});

const offer = createRoute({
  method: "post",
  path: "/api/me/passkeys/options",
  tags: ["Own account"],
  summary: "What navigator.credentials.create() takes",
  ...asks("account.self"),
  request: { body: jsonBody(byPassword) },
  responses: {
    200: json(options, "Options; the challenge is good for five minutes"),
    ...problems(400, 401, 403, 409, 413, 415, 429),
  },
});

const keep = createRoute({
  method: "post",
  path: "/api/me/passkeys",
  tags: ["Own account"],
  summary: "Keep a new passkey; every other session of the person ends",
  ...asks("account.self"),
  request: {
    body: jsonBody(z.strictObject({ name: words(100).openapi({ example: "Ada's phone" }), credential: newCredential })),
  },
  responses: { 201: json(z.object({ id: z.string() }), "Kept"), ...problems(400, 401, 403, 409, 413, 415, 429) },
});

const list = createRoute({
  method: "get",
  path: "/api/me/passkeys",
  tags: ["Own account"],
  summary: "One's own passkeys, oldest first",
  ...asks("account.self"),
  responses: { 200: json(z.object({ items: z.array(passkeySchema) }), "Passkeys"), ...problems(401, 403, 429) },
});

const remove = createRoute({
  method: "post",
  path: "/api/me/passkeys/{passkey}/remove",
  tags: ["Own account"],
  summary: "Forget one of one's own passkeys",
  ...asks("account.self"),
  request: { params: z.object({ passkey: credentialId }), body: jsonBody(byPassword) },
  responses: { 204: { description: "Forgotten" }, ...problems(400, 401, 403, 404, 413, 415, 429) },
});

export function passkeyRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, publicUrl } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const party = (c: Context) => relyingParty(ownUrl(c, publicUrl));
  const self = async (c: Context<CloudEnv>) => ({ person: await requireSelf(people, c), session: sessionOf(c) });

  app.openapi(ask, async (c) => c.json(await askForPasskey(people, party(c), callingNetwork(c)), 200));

  app.openapi(enter, async (c) => {
    const { credential, by } = c.req.valid("json");
    if (by === "cookie") demandSameOrigin(c, publicUrl);
    const { clientDataJSON, authenticatorData, signature } = credential.response;
    const assertion = { id: credential.id, clientDataJSON, authenticatorData, signature };
    const result = await signInByPasskey(people, assertion, party(c), callerOf(c));
    if (!result) throw new HttpProblem(401, "sign-in-refused", "This passkey is not known here, or came too late.");
    return c.json(await shown(people, c, result, by), 200);
  });

  app.openapi(offer, async (c) => {
    const password = new SecretString(c.req.valid("json").password);
    const made = await offerPasskey(people, await self(c), password, party(c), callerOf(c));
    if (made === "wrong") throw wrongPassword();
    if (made === "full") throw tooMany();
    return c.json(made, 200);
  });

  app.openapi(keep, async (c) => {
    const { name, credential } = c.req.valid("json");
    const { clientDataJSON, authenticatorData, publicKey, transports } = credential.response;
    const made = { name, clientDataJSON, authenticatorData, publicKey, transports };
    const kept = await keepPasskey(people, await self(c), made, party(c), callerOf(c));
    if (kept === "full") throw tooMany();
    if (kept === "wrong")
      throw fieldProblem("body.credential", "does not answer what was asked here, or came too late");
    return c.json(kept, 201);
  });

  app.openapi(list, async (c) => {
    const { id } = await requireSelf(people, c);
    return c.json({ items: (await listPasskeys(store.db, id)).map(toShape) }, 200);
  });

  app.openapi(remove, async (c) => {
    const password = new SecretString(c.req.valid("json").password);
    const wanted = { passkey: c.req.valid("param").passkey, password };
    const refused = await forgetPasskey(people, await self(c), wanted, callerOf(c));
    if (refused === "wrong") throw wrongPassword();
    if (refused === "unknown") throw notFound("such passkey of yours");
    return c.body(null, 204);
  });

  return app;
}

function tooMany(): HttpProblem {
  return new HttpProblem(409, "too-many-passkeys", "Forget a passkey first: there are too many.");
}

function toShape({ id, name, createdAt, usedAt }: PasskeyRow) {
  return { id, name, createdAt: iso(createdAt), usedAt: isoOrNull(usedAt) };
}
