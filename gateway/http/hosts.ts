/**
 * The pages answer only to names of this machine. Anybody can point a name of theirs at an address on the site's network, and a page
 * of theirs that is open in a browser there could then read these (DNS rebinding).
 */
import { isIP } from "node:net";
import type { MiddlewareHandler } from "hono";
import { HttpProblem } from "../../web/problem.ts";

/**
 * Lets pass who calls by an address, as localhost, by the machine's name `machine` with or without ".local", or by a name of
 * `listed`, whatever the port and the case. Everybody else gets a 421 that names the configuration key.
 */
export function onlyHosts(machine: string, listed: readonly string[]): MiddlewareHandler {
  const own = machine.toLowerCase();
  const names = new Set(["localhost", own, `${own.split(".")[0]}.local`, ...listed.map((name) => name.toLowerCase())]);
  return async (c, next) => {
    const { hostname } = new URL(c.req.url);
    const host = hostname.replace(/^\[|\]$|\.$/g, "");
    if (isIP(host) === 0 && !names.has(host)) {
      const what = `The gateway is not called ${host.slice(0, 253)}; list the name under http.hosts, or use its address.`;
      throw new HttpProblem(421, "unknown-host", what);
    }
    await next();
  };
}
