/** Administration of people: invite, list, change, give a link for a new password, end sessions. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { fieldProblem, refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import { roles } from "../domain/permissions.ts";
import { ownUrl } from "../people/caller.ts";
import type { MadeLink } from "../people/links.ts";
import {
  changeAccount,
  endSessionsOfPerson,
  forgetSecondFactor,
  invitePerson,
  makeResetLink,
} from "../people/manage-people.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { hasSecondFactor } from "../people/read-actor.ts";
import { listPeople, type Person, readPerson } from "../store/people.ts";
import { asks } from "./asks.ts";
import { languageText } from "./me-routes.ts";
import {
  fromPageMark,
  idText,
  iso,
  isoOrNull,
  json,
  jsonBody,
  momentOrNull,
  nextField,
  notFound,
  pageQuery,
  problems,
  toPageMark,
  words,
} from "./shapes.ts";

const tags = ["People"];
const personParams = z.object({ person: idText.openapi({ example: "person-7k3m9xw2pa3dq8fz" }) });

export const userNameText = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9._-]{1,38}[a-z0-9]$/, "3 to 40 letters, digits, dots, hyphens or underscores")
  .openapi({ example: "ada" });
export const emailText = z
  .string()
  .trim()
  .toLowerCase()
  .max(254)
  .pipe(z.email())
  .openapi({ example: "ada@example.org" });
const siteList = z.array(idText).max(1_000);

const facts = {
  name: words(200).openapi({ example: "Ada Keeper" }),
  email: emailText.nullable(),
  role: z.enum(roles),
  sites: siteList.openapi({ description: "Where the person belongs; roles that reach every site need none." }),
  language: languageText,
};

const personStates = ["invited", "active", "disabled", "erased"] as const;
const personSchema = z
  .object({
    id: z.string(),
    userName: z.string(),
    ...facts,
    email: z.string().nullable(),
    state: z.enum(personStates),
    secondFactor: z.boolean(),
    lockedUntil: momentOrNull,
    createdAt: z.string(),
    createdBy: z.string(),
  })
  .openapi("Person");

export const linkSchema = z
  .object({
    url: z.string().openapi({ description: "Hand it to the person: it is good once, and not shown again." }),
    expiresAt: z.string(),
  })
  .openapi("PasswordLink");

const list = createRoute({
  method: "get",
  path: "/api/people",
  tags,
  summary: "People, by user name",
  ...asks("people.read"),
  request: {
    query: z.strictObject({
      ...pageQuery,
      search: words(200).optional().openapi({ description: "Part of a name, user name or e-mail address." }),
      role: z.enum(roles).optional(),
      site: idText.optional(),
    }),
  },
  responses: {
    200: json(z.object({ items: z.array(personSchema), next: nextField }), "A page"),
    ...problems(400, 401, 403, 429),
  },
});

const invite = createRoute({
  method: "post",
  path: "/api/people",
  tags,
  summary: "Make an account and the link by which its person chooses a password",
  ...asks("people.change"),
  request: {
    body: jsonBody(
      z.strictObject({
        userName: userNameText,
        name: facts.name,
        role: facts.role,
        email: emailText.optional(),
        sites: siteList.default([]),
        language: languageText.default("en"),
      }),
    ),
  },
  responses: {
    201: json(z.object({ person: personSchema, link: linkSchema }), "The person and the link"),
    ...problems(400, 401, 403, 409, 413, 415, 429),
  },
});

const read = createRoute({
  method: "get",
  path: "/api/people/{person}",
  tags,
  summary: "Read a person",
  ...asks("people.read"),
  request: { params: personParams },
  responses: { 200: json(personSchema, "The person"), ...problems(401, 403, 404, 429) },
});

const change = createRoute({
  method: "patch",
  path: "/api/people/{person}",
  tags,
  summary: "Change name, e-mail address, language, role or sites; disable or enable",
  description: "Acts at once. Nobody changes their own role, and the last administrator stays one.",
  ...asks("people.change"),
  request: {
    params: personParams,
    body: jsonBody(
      z
        .strictObject({ ...facts, disabled: z.boolean() })
        .partial()
        .refine((body) => Object.keys(body).length > 0, "name at least one field to change"),
    ),
  },
  responses: { 200: json(personSchema, "The person"), ...problems(400, 401, 403, 404, 409, 413, 415, 429) },
});

const reset = createRoute({
  method: "post",
  path: "/api/people/{person}/reset-link",
  tags,
  summary: "Make a link by which the person chooses a new password; former links are void",
  ...asks("people.change"),
  request: { params: personParams },
  responses: { 201: json(linkSchema, "The link"), ...problems(401, 403, 404, 409, 429) },
});

const endAll = createRoute({
  method: "delete",
  path: "/api/people/{person}/sessions",
  tags,
  summary: "End all sessions of a person",
  ...asks("people.change"),
  request: { params: personParams },
  responses: { 204: { description: "They have ended" }, ...problems(401, 403, 404, 429) },
});

const forget = createRoute({
  method: "delete",
  path: "/api/people/{person}/second-factor",
  tags,
  summary: "Forget the second factors of a person who has lost them, and end its sessions",
  ...asks("people.change"),
  request: { params: personParams },
  responses: { 204: { description: "Forgotten" }, ...problems(401, 403, 404, 409, 429) },
});

export function peopleRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock, publicUrl } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const shape = (person: Person) => toShape(person, clock.wall());

  app.openapi(list, async (c) => {
    const { limit, after, ...filter } = c.req.valid("query");
    const place = after === undefined ? undefined : fromPageMark(after, z.tuple([idText]))[0];
    const found = await listPeople(store.db, { ...filter, after: place, limit: limit + 1 });
    const last = found.length > limit ? found[limit - 1] : undefined;
    return c.json({ items: found.slice(0, limit).map(shape), next: last ? toPageMark([last.userName]) : null }, 200);
  });

  app.openapi(invite, async (c) => {
    const { email = null, ...body } = c.req.valid("json");
    const { person, link } = await invitePerson(people, askerOf(c), { ...body, email }, ownUrl(c, publicUrl));
    return c.json({ person: shape(person), link: toLink(link) }, 201);
  });

  app.openapi(read, async (c) => {
    const { person: id } = c.req.valid("param");
    const person = await readPerson(store.db, id);
    if (!person) throw notFound(`person ${id}`);
    return c.json(shape(person), 200);
  });

  app.openapi(change, async (c) => {
    const { person: id } = c.req.valid("param");
    const person = await changeAccount(people, askerOf(c), id, c.req.valid("json"));
    if (!person) throw notFound(`person ${id}`);
    return c.json(shape(person), 200);
  });

  app.openapi(reset, async (c) => {
    const { person: id } = c.req.valid("param");
    const link = await makeResetLink(people, askerOf(c), id, ownUrl(c, publicUrl));
    if (!link) throw notFound(`person ${id}`);
    return c.json(toLink(link), 201);
  });

  app.openapi(endAll, async (c) => {
    const { person: id } = c.req.valid("param");
    if (!(await endSessionsOfPerson(people, askerOf(c), id))) throw notFound(`person ${id}`);
    return c.body(null, 204);
  });

  app.openapi(forget, async (c) => {
    const { person: id } = c.req.valid("param");
    const asker = askerOf(c);
    if (asker.actor.id === id) throw fieldProblem("path.person", "change your own factors in your account", 409);
    if (!(await forgetSecondFactor(people, asker, id))) throw notFound(`person ${id}`);
    return c.body(null, 204);
  });

  return app;
}

export function toLink({ url, expiresAt }: MadeLink) {
  return { url: url.reveal(), expiresAt: iso(expiresAt) };
}

export function stateOf({ disabledAt, passwordHash, erasedAt }: Person): (typeof personStates)[number] {
  if (erasedAt !== null) return "erased";
  if (disabledAt !== null) return "disabled";
  return passwordHash === null ? "invited" : "active";
}

function toShape(person: Person, now: number) {
  const { id, userName, email, name, role, sites, language, lockedUntil, createdAt, createdBy } = person;
  return {
    id,
    userName,
    email,
    name,
    role,
    sites: [...sites],
    language,
    state: stateOf(person),
    secondFactor: hasSecondFactor(person),
    lockedUntil: isoOrNull(lockedUntil !== null && now < lockedUntil ? lockedUntil : null),
    createdAt: iso(createdAt),
    createdBy,
  };
}
