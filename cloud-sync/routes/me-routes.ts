/** One's own account: who one is, which sessions are open, and the password. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { SecretString } from "../../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { passwordFaultText } from "../domain/password-policy.ts";
import { actions, may, roles } from "../domain/permissions.ts";
import { isLive, limitsOf } from "../domain/session-rules.ts";
import { callerOf } from "../people/caller.ts";
import { changePassword } from "../people/own-account.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { hasSecondFactor } from "../people/read-actor.ts";
import { changePerson, type Person, readPerson } from "../store/people.ts";
import { endSession, endSessionsOf, openSessions, type SessionRow } from "../store/sessions.ts";
import { asks } from "./asks.ts";
import { noteOf } from "./requests.ts";
import { idText, iso, json, jsonBody, notFound, problems, words } from "./shapes.ts";

const tags = ["Own account"];

export const languageText = z
  .string()
  .regex(/^[a-z]{2}$/, "two small letters, as in ISO 639-1")
  .openapi({ example: "es" });

const meSchema = z
  .object({
    id: z.string(),
    userName: z.string(),
    email: z.string().nullable(),
    name: z.string(),
    role: z.enum(roles),
    sites: z.array(z.string()),
    language: z.string(),
    secondFactor: z.object({
      totp: z.boolean(),
      passkeys: z.number().int(),
      recoveryCodesLeft: z.number().int(),
      needed: z.boolean().openapi({ description: "The role asks for one and there is none: nothing else is allowed." }),
    }),
    actions: z.array(z.string()).openapi({ description: "What the person may do now, of docs/permissions.md." }),
  })
  .openapi("Me");

const sessionSchema = z
  .object({
    id: z.string(),
    device: z.string().openapi({ description: "What the browser or program calls itself." }),
    address: z.string(),
    createdAt: z.string(),
    seenAt: z.string(),
    endsAt: z.string().openapi({ description: "Unless it is used meanwhile." }),
    current: z.boolean(),
  })
  .openapi("Session");

const read = createRoute({
  method: "get",
  path: "/api/me",
  tags,
  summary: "Who is asking",
  ...asks("account.self"),
  responses: { 200: json(meSchema, "The person"), ...problems(401, 403, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/me",
  tags,
  summary: "Change one's own name or language",
  ...asks("account.self"),
  request: {
    body: jsonBody(
      z
        .strictObject({ name: words(200).optional(), language: languageText.optional() })
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(meSchema, "The person"), ...problems(400, 401, 403, 413, 415, 429) },
});

const changeSecret = createRoute({
  method: "post",
  path: "/api/me/password",
  tags,
  summary: "Change one's own password",
  description: "Ends every other session of the person.",
  ...asks("account.self"),
  request: {
    body: jsonBody(z.strictObject({ current: z.string().min(1).max(1024), password: z.string().min(1).max(1024) })),
  },
  responses: { 204: { description: "Changed" }, ...problems(400, 401, 403, 413, 415, 429) },
});

const sessions = createRoute({
  method: "get",
  path: "/api/me/sessions",
  tags,
  summary: "One's own open sessions, the one seen last first",
  ...asks("account.self"),
  responses: {
    200: json(z.object({ items: z.array(sessionSchema) }), "Sessions"),
    ...problems(401, 403, 429),
  },
});

const endOne = createRoute({
  method: "delete",
  path: "/api/me/sessions/{session}",
  tags,
  summary: "End one of one's own sessions",
  ...asks("account.self"),
  request: { params: z.object({ session: idText }) },
  responses: { 204: { description: "It has ended" }, ...problems(401, 403, 404, 429) },
});

const endOthers = createRoute({
  method: "delete",
  path: "/api/me/sessions",
  tags,
  summary: "End all of one's own sessions but this one",
  ...asks("account.self"),
  responses: { 204: { description: "They have ended" }, ...problems(401, 403, 429) },
});

export function meRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(read, async (c) => c.json(toMe(await requireSelf(people, c), c), 200));

  app.openapi(change, async (c) => {
    const self = await requireSelf(people, c);
    const { name, language } = c.req.valid("json");
    const columns = { ...(name !== undefined && { name }), ...(language !== undefined && { language }) };
    const before = { name: self.name, language: self.language };
    await store.transaction(async (tx) => {
      await changePerson(tx, self.id, columns, clock.wall());
      const after = { ...before, ...columns };
      await noteOf(people, c)(tx, { action: "account.change", thing: self.id, before, after });
    });
    return c.json(toMe(await requireSelf(people, c), c), 200);
  });

  app.openapi(changeSecret, async (c) => {
    const self = await requireSelf(people, c);
    const { current, password } = c.req.valid("json");
    const fault = await changePassword(
      people,
      { person: self, session: sessionOf(c), current: new SecretString(current), wanted: new SecretString(password) },
      callerOf(c),
    );
    if (fault === "wrong") throw fieldProblem("body.current", "is not your password, or too many were tried");
    if (fault !== undefined) throw fieldProblem("body.password", passwordFaultText[fault]);
    return c.body(null, 204);
  });

  app.openapi(sessions, async (c) => {
    const self = await requireSelf(people, c);
    const now = clock.wall();
    const open = (await openSessions(store.db, self.id)).filter((one) => isLive(one, self.role, now));
    return c.json({ items: open.map((one) => toSession(one, self, sessionOf(c))) }, 200);
  });

  app.openapi(endOne, async (c) => {
    const self = await requireSelf(people, c);
    const { session } = c.req.valid("param");
    const ended = await store.transaction(async (tx) => {
      if (!(await endSession(tx, self.id, session, clock.wall()))) return false;
      await noteOf(people, c)(tx, { action: "account.end-session", thing: session });
      return true;
    });
    if (!ended) throw notFound(`open session ${session} of yours`);
    return c.body(null, 204);
  });

  app.openapi(endOthers, async (c) => {
    const self = await requireSelf(people, c);
    await store.transaction(async (tx) => {
      const ended = await endSessionsOf(tx, self.id, clock.wall(), sessionOf(c));
      await noteOf(people, c)(tx, { action: "account.end-sessions", thing: self.id, after: { ended } });
    });
    return c.body(null, 204);
  });

  return app;
}

/** The person that asks. Throws the 403 of a token or key, which have no account. */
export async function requireSelf({ store }: PeopleParts, c: Context<CloudEnv>): Promise<Person> {
  const actor = c.get("actor");
  const person = actor.person && (await readPerson(store.db, actor.id));
  if (!person)
    throw new HttpProblem(403, "no-account", "An administrator's token or an API key has no account of its own.");
  return person;
}

/** The session the person asks from. */
export function sessionOf(c: Context<CloudEnv>): string {
  return c.get("actor").person?.session ?? "";
}

function toMe(person: Person, c: Context<CloudEnv>) {
  const actor = c.get("actor");
  const { id, userName, email, name, role, sites, language, totpSealed, passkeys, recoveryCodes } = person;
  return {
    id,
    userName,
    email,
    name,
    role,
    sites: [...sites],
    language,
    secondFactor: {
      totp: totpSealed !== null,
      passkeys,
      recoveryCodesLeft: (JSON.parse(recoveryCodes) as string[]).length,
      needed: (actor.person?.needsSecondFactor ?? false) && !hasSecondFactor(person),
    },
    actions: actions.filter((action) => may(actor, action)),
  };
}

export function toSession({ id, device, address, createdAt, seenAt }: SessionRow, { role }: Person, current: string) {
  const { idleMs, wholeMs } = limitsOf(role);
  return {
    id,
    device,
    address,
    createdAt: iso(createdAt),
    seenAt: iso(seenAt),
    endsAt: iso(Math.min(seenAt + idleMs, createdAt + wholeMs)),
    current: id === current,
  };
}
