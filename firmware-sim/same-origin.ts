/** Keeps other sites' pages from acting here: a browser says where a request comes from, a script does not. */
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../web/problem.ts";

/**
 * Refuses whoever asks for another name than loopback's own. Anybody's name can be bent to point to this machine, and a page under it
 * would count as same-origin.
 */
export function loopbackNamesOnly(): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? "";
    if (!URL.canParse(`http://${host}`) || !isLoopbackName(new URL(`http://${host}`).hostname))
      throw new HttpProblem(403, "foreign-host", "This simulator answers to localhost and 127.0.0.1 only.");
    await next();
  };
}

/** `hostname`: as in a URL, or an address to listen on. */
export function isLoopbackName(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(hostname);
}

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
