/** What the guard's pages share: who asks, where a sign-in is needed, and the gateway's own API for guards, asked within the process. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { HttpProblem, type Problem } from "../../web/problem.ts";
import type { GuardVisit } from "./guard-frame.tsx";
import type { GuardSources } from "./guard-routes.ts";
import { type Slip, sealSlip } from "./guard-slip.ts";
import { languageOf } from "./language.ts";
import type { StaffSession } from "./staff-sessions.ts";

/** The gateway's routes, as Hono's app.request offers them. */
export type AskGateway = (url: string, init: RequestInit, env: object) => Response | Promise<Response>;

/** Who asks and from where: all that the API judges a guard's request by. */
const passedOn = ["cookie", "host", "accept-language"] as const;

export class GuardDesk {
  readonly sources: GuardSources;
  readonly #sessionOf: (c: Context) => StaffSession | undefined;
  readonly #ask: AskGateway;

  constructor(sources: GuardSources, sessionOf: (c: Context) => StaffSession | undefined, ask: AskGateway) {
    this.sources = sources;
    this.#sessionOf = sessionOf;
    this.#ask = ask;
  }

  /** undefined: whoever asks has not signed in. */
  visit(c: Context): GuardVisit | undefined {
    const session = this.#sessionOf(c);
    return session && { c, ...this.sources, session, language: languageOf(c) };
  }

  /** The earliest that it can be. */
  now(): number {
    return this.sources.site.time.interval().earliest;
  }

  signIn(c: Context, next: string): Response {
    return c.redirect(`/sign-in?next=${encodeURIComponent(next)}`, 303);
  }

  /** On to the page that tells what a form has led to. */
  show(c: Context, slip: Slip): Response {
    return c.redirect(slipAddress(sealSlip(this.sources.site.seal, slip)), 303);
  }

  /**
   * The API's answer to the guard who asked for the page: no page does what the API would not. Rejects with the HttpProblem that it answers.
   * `T`: what a page reads of the answer; the API's own schema says the rest.
   */
  async api<T>(c: Context, method: "GET" | "POST", path: string, body?: object): Promise<T> {
    const headers: Record<string, string> = { "x-request-id": c.get("requestId") };
    for (const name of passedOn) {
      const value = c.req.header(name);
      if (value !== undefined) headers[name] = value;
    }
    if (body !== undefined) headers["content-type"] = "application/json";
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const response = await this.#ask(new URL(path, c.req.url).href, init, c.env ?? {});
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json()) as Problem;
    throw new HttpProblem(response.status as ContentfulStatusCode, problem.code, problem.detail, {
      errors: problem.errors ?? [],
    });
  }
}

export function slipAddress(sealed: string): string {
  return `/guard/visitor?of=${sealed}`;
}
