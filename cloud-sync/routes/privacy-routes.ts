/** What is kept about somebody, told to whoever may know it, and erased. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type Rate, RateLimiter } from "../../web/limits.ts";
import { refuseInvalid } from "../../web/problem.ts";
import { askerOf } from "../asker.ts";
import type { CloudEnv } from "../authenticate.ts";
import { erasePerson } from "../people/erase-person.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { personalData } from "../people/personal-data.ts";
import { recordAudit } from "../store/audit-trail.ts";
import { type Person, readPerson } from "../store/people.ts";
import { asks } from "./asks.ts";
import { requireSelf } from "./me-routes.ts";
import { idText, json, jsonBody, notFound, problems } from "./shapes.ts";

const tags = ["Privacy"];
const personParams = z.object({ person: idText.openapi({ example: "person-7k3m9xw2pa3dq8fz" }) });

const documentSchema = z
  .object({
    madeAt: z.string(),
    account: z.record(z.string(), z.any()),
    sessions: z.array(z.any()),
    passkeys: z.array(z.any()),
    links: z.array(z.any()),
    mails: z.array(z.any()).openapi({ description: "That one was sent, not what stood in it." }),
    apiKeys: z.array(z.any()),
    grantsMade: z.array(z.any()),
    grantsHeld: z.array(z.any()).openapi({ description: "Whose holder, or whose holder's host, the person is." }),
    eventsOfGrantsHeld: z.array(z.any()),
    auditBy: z.array(z.any()),
    auditAbout: z.array(z.any()),
    securityEvents: z.array(z.any()),
  })
  .openapi("PersonalData");

const exportOwn = createRoute({
  method: "get",
  path: "/api/me/personal-data",
  tags,
  summary: "All that is kept about oneself, as one document",
  ...asks("account.self"),
  responses: { 200: json(documentSchema, "The document"), ...problems(401, 403, 429) },
});

const exportOne = createRoute({
  method: "get",
  path: "/api/people/{person}/personal-data",
  tags,
  summary: "All that is kept about a person, as one document",
  ...asks("people.export"),
  request: { params: personParams },
  responses: { 200: json(documentSchema, "The document"), ...problems(401, 403, 404, 429) },
});

const erase = createRoute({
  method: "post",
  path: "/api/people/{person}/erase",
  tags,
  summary: "Erase who a person was, for good",
  description:
    'The account can do nothing any more and is called "erased"; its sessions, passkeys, links and keys have ended, what it held opens \
nothing, gateways forget it. The id stays in the records, which stay whole. Backups from before still know the person: delete them in time, \
and erase again after one was put back. Nobody erases their own account or the last administrator.',
  ...asks("people.erase"),
  request: {
    params: personParams,
    body: jsonBody(
      z.strictObject({
        userName: z
          .string()
          .min(1)
          .max(128)
          .openapi({ description: "The person's, so that nobody is erased by a slip." }),
      }),
    ),
  },
  responses: {
    200: json(
      z.object({
        sessions: z.number().int(),
        passkeys: z.number().int(),
        keys: z.number().int(),
        grants: z.number().int().openapi({ description: "Whose holder or host the person was." }),
        auditEntriesInClear: z.number().int().openapi({
          description: "Entries from before addresses were sealed: the chain lets go of none, so theirs stay.",
        }),
      }),
      "What was ended and erased",
    ),
    ...problems(400, 401, 403, 404, 409, 413, 415, 429),
  },
});

/** Of documents, for one who asks: each reads whole tables. */
const documents: Rate = { burst: 5, perSecond: 1 / 60 };

export function privacyRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store, clock } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });
  const documentRate = new RateLimiter(documents, () => clock.monotonic());

  /** The export is an entry of its own in the document. */
  async function document(c: Context<CloudEnv>, person: Person): Promise<Response> {
    const { actor, from } = askerOf(c);
    documentRate.demand(actor.id);
    const entry = { actor: actor.id, from, action: "people.export", thing: person.id };
    await store.transaction((tx) => recordAudit(tx, entry, clock.wall()));
    const pieces = personalData(store.db, person, clock.wall());
    return c.body(ReadableStream.from(pieces).pipeThrough(new TextEncoderStream()), 200, {
      "content-type": "application/json",
      "content-disposition": 'attachment; filename="postern-personal-data.json"',
    });
  }

  app.openapi(exportOwn, async (c) => document(c, await requireSelf(people, c)) as never);

  app.openapi(exportOne, async (c) => {
    const { person: id } = c.req.valid("param");
    const person = await readPerson(store.db, id);
    if (!person) throw notFound(`person ${id}`);
    return document(c, person) as never;
  });

  app.openapi(erase, async (c) => {
    const { person: id } = c.req.valid("param");
    const erased = await erasePerson(people, askerOf(c), id, c.req.valid("json").userName);
    if (!erased) throw notFound(`person ${id}`);
    return c.json(erased, 200);
  });

  return app;
}
