/** Keeps other sites' pages from acting here: a browser says where a request comes from, a script does not. */
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../web/problem.ts";

/** Refuses a request that changes something and comes from a page of another origin. */
export function sameOriginOnly(): MiddlewareHandler {
  return async (c, next) => {
    const isReading = c.req.method === "GET" || c.req.method === "HEAD";
    if (!isReading && isForeign(c.req.header("sec-fetch-site"), c.req.header("origin"), c.req.header("host")))
      throw new HttpProblem(403, "foreign-origin", "Only this simulator's own page and scripts may do this.");
    await next();
  };
}

function isForeign(fetchSite: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (fetchSite !== undefined && fetchSite !== "same-origin") return true;
  return origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host);
}
