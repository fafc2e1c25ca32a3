/** What one-time links are for: the first administrator, an invitation's or a reset's password. Tokens come in bodies, never in addresses. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { SecretString } from "../../gateway/wire/secret.ts";
import { fieldProblem, HttpProblem, refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { passwordFaultText } from "../domain/password-policy.ts";
import { callerOf } from "../people/caller.ts";
import { demandProof } from "../people/guessing.ts";
import { makeFirstAdmin, readPasswordLink, setPasswordByLink } from "../people/links.ts";
import { takenProblem } from "../people/manage-people.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { languageText } from "./me-routes.ts";
import { emailText, userNameText } from "./people-routes.ts";
import { json, jsonBody, problems, words } from "./shapes.ts";

const tags = ["Sign-in"];
const token = z.string().min(1).max(200).openapi({ description: "What stands behind the # of the link." });
const password = z.string().min(1).max(1024);

const first = createRoute({
  method: "post",
  path: "/auth/first-admin",
  tags,
  summary: "Make the first administrator by the link that the service printed at its start",
  request: {
    body: jsonBody(
      z.strictObject({
        token,
        name: words(200),
        userName: userNameText,
        email: emailText.optional(),
        language: languageText.default("en"),
        password,
      }),
    ),
  },
  responses: {
    201: json(z.object({ person: z.string() }), "The administrator, who can sign in now"),
    ...problems(400, 404, 409, 413, 415, 429),
  },
});

const look = createRoute({
  method: "post",
  path: "/auth/link",
  tags,
  summary: "What a link for a password is for",
  request: { body: jsonBody(z.strictObject({ token })) },
  responses: {
    200: json(
      z.object({
        purpose: z.enum(["invite", "reset"]),
        userName: z.string(),
        name: z.string(),
        language: z.string(),
      }),
      "Whose password it sets",
    ),
    ...problems(400, 404, 413, 415, 429),
  },
});

const choose = createRoute({
  method: "post",
  path: "/auth/link/password",
  tags,
  summary: "Set the password of the link's person; the link is used up",
  request: { body: jsonBody(z.strictObject({ token, password })) },
  responses: { 204: { description: "Set" }, ...problems(400, 404, 413, 415, 429) },
});

export function linkRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(first, async (c) => {
    const { password, email = null, ...body } = c.req.valid("json");
    const wanted = { ...body, email, password: new SecretString(password) };
    const result = await makeFirstAdmin(people, wanted, callerOf(c));
    if ("fault" in result) throw unknownLink();
    if ("passwordFault" in result) throw fieldProblem("body.password", passwordFaultText[result.passwordFault]);
    if ("taken" in result) throw takenProblem(result.taken);
    return c.json({ person: result.id }, 201);
  });

  app.openapi(look, async (c) => {
    await demandProof(people, callerOf(c));
    const link = await readPasswordLink(people, c.req.valid("json").token);
    if (!link) throw unknownLink();
    const { userName, name, language } = link.person;
    return c.json({ purpose: link.purpose, userName, name, language }, 200);
  });

  app.openapi(choose, async (c) => {
    const { token, password } = c.req.valid("json");
    const fault = await setPasswordByLink(people, { token, password: new SecretString(password) }, callerOf(c));
    if (fault === "unknown-link") throw unknownLink();
    if (fault !== undefined) throw fieldProblem("body.password", passwordFaultText[fault]);
    return c.body(null, 204);
  });

  return app;
}

export function unknownLink(): HttpProblem {
  return new HttpProblem(404, "unknown-link", "This link was used, is too old, or is none: ask for another.");
}
