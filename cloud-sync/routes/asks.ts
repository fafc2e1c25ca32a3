/** What a route asks of whoever calls it: every route below /api names the action it is, and nobody reaches its handler who may not do it. */
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import { type Action, type Actor, may, reachOf } from "../domain/permissions.ts";
import { notFound } from "./shapes.ts";

/** Spread into createRoute(). The handler still asks demandMay() for a thing that somebody else may have made. */
export function asks(action: Action) {
  return {
    security: [{ accessToken: [] }],
    middleware: permit(action),
    "x-action": action,
  };
}

function permit(action: Action): MiddlewareHandler<CloudEnv> {
  return async (c, next) => {
    const actor = c.get("actor");
    if (actor.person?.needsSecondFactor && action !== "account.self")
      throw new HttpProblem(
        403,
        "second-factor-needed",
        `The role "${actor.role}" needs a second factor: set one up first.`,
      );
    if (reachOf(actor, action) === undefined)
      throw new HttpProblem(403, "not-permitted", `The role "${actor.role}" may not do this (${action}).`);
    const site = c.req.param("site");
    // Whoever does not belong to a site does not learn whether there is one.
    if (site !== undefined && !may(actor, action, { site })) throw notFound(`site ${site}`);
    await next();
  };
}

/** Throws the 404 of a thing that does not exist when it is somebody else's. `what`: as in "There is no …". */
export function demandMay(
  actor: Actor,
  action: Action,
  thing: { readonly site: string; readonly madeBy: string },
  what: string,
): void {
  if (!may(actor, action, thing)) throw notFound(what);
}
