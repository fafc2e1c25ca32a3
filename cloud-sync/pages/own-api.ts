/**
 * The service's own API, asked within the process as the visitor who asked for the page: a page reads, changes, refuses and records exactly
 * as the API does, because it is the API that does it. No socket is opened.
 */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type FieldError, HttpProblem, type Problem } from "../../web/problem.ts";
import { byItselfHeader } from "../people/caller.ts";

/** The service's routes, as Hono's app.request offers them. */
export type AskService = (url: string, init: RequestInit, env: object) => Response | Promise<Response>;

/** Who asks, from where, and by which page: all that the API judges a request by. */
const passedOn = [
  "authorization",
  "cookie",
  "host",
  "origin",
  "sec-fetch-site",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-proto",
  byItselfHeader,
] as const;

export class OwnApi {
  readonly #ask: AskService;
  readonly #c: Context;
  readonly #cookies = new Set<string>();

  constructor(ask: AskService, c: Context) {
    this.#ask = ask;
    this.#c = c;
  }

  /** Rejects with the HttpProblem that the API answers. `T`: what a page reads of the answer; the API's own schema says the rest. */
  get<T>(path: string): Promise<T> {
    return this.send<T>("GET", path);
  }

  async send<T>(method: string, path: string, body?: unknown, more: Readonly<Record<string, string>> = {}): Promise<T> {
    const { req } = this.#c;
    const headers: Record<string, string> = { ...more, "x-request-id": this.#c.get("requestId") };
    for (const name of passedOn) {
      const value = req.header(name);
      if (value !== undefined) headers[name] = value;
    }
    if (body !== undefined) headers["content-type"] = "application/json";
    const response = await this.#ask(
      new URL(path, req.url).href,
      { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) },
      this.#c.env ?? {},
    );
    // A session that went on to its next word says so here, and the browser must hear it.
    for (const cookie of response.headers.getSetCookie()) {
      if (this.#cookies.has(cookie)) continue;
      this.#cookies.add(cookie);
      this.#c.header("set-cookie", cookie, { append: true });
    }
    const text = await response.text();
    if (response.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
    throw problemOf(response, text);
  }
}

/** The API has refused it, and has noted what there is to note. */
export class AnsweredProblem extends HttpProblem {}

function problemOf(response: Response, text: string): AnsweredProblem {
  const problem = JSON.parse(text) as Problem;
  const retryAfter = response.headers.get("retry-after");
  return new AnsweredProblem(response.status as ContentfulStatusCode, problem.code, problem.detail, {
    errors: problem.errors ?? [],
    headers: retryAfter === null ? {} : { "retry-after": retryAfter },
  });
}

/** The query of an address; what is undefined or empty is left out. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** In the API's words, which are put into the visitor's language where it knows them, or already in the page's own. */
export type FaultText = string | { readonly own: string };

/** What is wrong with a form, by the name of its field; "" for what concerns no field of it. */
export type FieldFaults = Readonly<Record<string, FaultText>>;

/** After any of these the form comes back as it was filled in: it was wrong, too much, or too soon after others. */
const ofForms: readonly number[] = [400, 409, 413, 422, 429];

/**
 * The faults of a refused request: "body.accessPoints[0]" is the form's field "accessPoints". `names`: the API's names that the form calls
 * otherwise. Throws what is no matter of the form's fields.
 */
export function faultsFrom(error: unknown, names: Readonly<Record<string, string>> = {}): FieldFaults {
  if (!(error instanceof HttpProblem) || !ofForms.includes(error.status)) throw error;
  if (error.errors.length === 0) return { "": error.message };
  const faults: Record<string, string> = {};
  for (const one of error.errors) faults[fieldOf(one, names)] ??= one.message;
  return faults;
}

function fieldOf({ field }: FieldError, names: Readonly<Record<string, string>>): string {
  const [place, path = ""] = /^(?:body|query|path|header)\.(.*)$/.exec(field) ?? [];
  if (place === undefined) return "";
  const whole = path.replaceAll(/\[\d+\]/g, "");
  const first = whole.split(".")[0] ?? "";
  return names[whole] ?? names[first] ?? first;
}
