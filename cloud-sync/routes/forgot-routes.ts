/** Links by mail for whoever has forgotten the password: asked for by anybody, and looked after by administrators. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { callerOf } from "../people/caller.ts";
import { askForPassword } from "../people/forgot-password.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { listMailsTo } from "../store/outbox.ts";
import { readPerson } from "../store/people.ts";
import { asks } from "./asks.ts";
import { emailText } from "./people-routes.ts";
import { idText, iso, json, jsonBody, notFound, problems } from "./shapes.ts";

const ask = createRoute({
  method: "post",
  path: "/auth/forgot-password",
  tags: ["Sign-in"],
  summary: "Have a link for a new password sent to an e-mail address",
  description:
    "The answer is the same whether or not there is an account with the address, and so is the time it takes. The link is good once, within an hour.",
  request: { body: jsonBody(z.strictObject({ email: emailText })) },
  responses: {
    202: { description: "Taken down" },
    ...problems(400, 409, 413, 415, 429),
    503: { description: "Too many mails wait; see Retry-After" },
  },
});

const listed = createRoute({
  method: "get",
  path: "/api/people/{person}/mails",
  tags: ["People"],
  summary: "The last mails to a person, and what became of them",
  description: "Their content is not told; once one is sent or given up, nobody has it.",
  ...asks("people.read"),
  request: { params: z.object({ person: idText.openapi({ example: "person-7k3m9xw2pa3dq8fz" }) }) },
  responses: {
    200: json(
      z.object({
        items: z.array(
          z.object({
            id: z.string(),
            state: z.enum(["waiting", "sent", "failed"]),
            why: z.string().nullable().openapi({ description: "What kept it from leaving, the last time." }),
            attempts: z.number().int(),
            createdAt: z.string(),
            at: z
              .string()
              .openapi({ description: "When it was sent or given up; of one that waits, its next attempt." }),
          }),
        ),
      }),
      "At most ten, newest first",
    ),
    ...problems(401, 403, 404, 429),
  },
});

const listedMax = 10;

export function forgotRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const { store } = people;
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(listed, async (c) => {
    const { person } = c.req.valid("param");
    if (!(await readPerson(store.db, person))) throw notFound(`person ${person}`);
    const rows = await listMailsTo(store.db, person, listedMax);
    const items = rows.map(({ id, state, why, attempts, createdAt, dueAt }) => ({
      id,
      state,
      why,
      attempts,
      createdAt: iso(createdAt),
      at: iso(dueAt),
    }));
    return c.json({ items }, 200);
  });

  app.openapi(ask, async (c) => {
    await askForPassword(people, c.req.valid("json").email, callerOf(c));
    return c.body(null, 202);
  });

  return app;
}
