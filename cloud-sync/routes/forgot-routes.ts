/** Asking for a link by mail, by whoever has forgotten the password. */
import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { refuseInvalid } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { callerOf } from "../people/caller.ts";
import { askForPassword } from "../people/forgot-password.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { emailText } from "./people-routes.ts";
import { jsonBody, problems } from "./shapes.ts";

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

export function forgotRoutes(people: PeopleParts): OpenAPIHono<CloudEnv> {
  const app = new OpenAPIHono<CloudEnv>({ defaultHook: refuseInvalid });

  app.openapi(ask, async (c) => {
    await askForPassword(people, c.req.valid("json").email, callerOf(c));
    return c.body(null, 202);
  });

  return app;
}
