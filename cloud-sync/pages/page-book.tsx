/** The list of all pages: each names the action it is, as each route of the API does, and nobody reaches it who may not do that. */
import { type Context, Hono } from "hono";
import { getCookie } from "hono/cookie";
import type { Instant } from "../../gateway/domain/instant.ts";
import { preferredLanguage } from "../../web/language.ts";
import { limitBody } from "../../web/limits.ts";
import { installablePolicy } from "../../web/manifest.ts";
import { pageHeaders } from "../../web/page.tsx";
import { HttpProblem } from "../../web/problem.ts";
import { type Action, type Actor, may, reachOf } from "../domain/permissions.ts";
import { noteRefusal } from "../note-refusal.ts";
import { sameOriginOnly } from "../people/caller.ts";
import { sendsMail } from "../people/forgot-password.ts";
import type { PeopleParts } from "../people/people-parts.ts";
import { readActor } from "../people/read-actor.ts";
import { notFound } from "../routes/shapes.ts";
import { Failed } from "./failed.tsx";
import { partOver, signInWithForm } from "./kept-form.tsx";
import { AnsweredProblem, type AskService, OwnApi, query } from "./own-api.ts";
import { languageCookie, type PageEnv, type Visit } from "./visit.ts";
import { isLanguage, languages } from "./words/words.ts";

export type PageContext = Context<PageEnv>;
type Answer = Response | Promise<Response>;

export interface PageRoute {
  readonly method: "get" | "post";
  /** As Hono writes it: "/codes/:code". */
  readonly path: string;
  /** "everybody": also who is not signed in. */
  readonly action: Action | "everybody";
}

/** The API takes less, and says so beside the field. */
const bodyBytes = 256 * 1024;

export class PageBook {
  readonly app = new Hono<PageEnv>();
  readonly routes: PageRoute[] = [];
  readonly #people: PeopleParts;
  readonly #ask: AskService;

  constructor(people: PeopleParts, ask: AskService) {
    this.#people = people;
    this.#ask = ask;
    this.app.onError((error, c) => this.#failed(error, c));
  }

  /** The service's time. */
  now(): Instant {
    return this.#people.clock.wall();
  }

  /** Whether the service can send somebody a link. */
  get sendsMail(): boolean {
    return sendsMail(this.#people);
  }

  get(path: string, action: PageRoute["action"], show: (c: PageContext, visit: Visit) => Answer): void {
    this.#add({ method: "get", path, action }, show);
  }

  /** Answers 303 once it is done, or the form again with what is wrong beside its fields. */
  post(path: string, action: PageRoute["action"], take: (c: PageContext, visit: Visit) => Answer): void {
    this.#add({ method: "post", path, action }, take);
  }

  #add(route: PageRoute, handler: (c: PageContext, visit: Visit) => Answer): void {
    const { method, path, action } = route;
    this.routes.push(route);
    this.app.on(
      method,
      path,
      pageHeaders(installablePolicy),
      limitBody(bodyBytes),
      sameOriginOnly(this.#people.publicUrl),
      async (c: PageContext) => {
        const actor = await readActor(this.#people, c);
        const visit = this.#visitOf(c, actor);
        c.set("visit", visit);
        if (actor) c.set("actor", actor);
        const elsewhere = action === "everybody" ? undefined : demandPermitted(c, visit, action);
        return elsewhere ?? handler(c, visit);
      },
    );
  }

  #visitOf(c: PageContext, actor: Actor | undefined): Visit {
    const chosen = actor?.person?.language ?? getCookie(c, languageCookie);
    const lang = isLanguage(chosen) ? chosen : preferredLanguage(c.req.header("accept-language"), isLanguage, "en");
    return { lang, words: languages[lang], api: new OwnApi(this.#ask, c), actor };
  }

  /** What a browser shows of an address where nothing is. */
  async nowhere(c: Context): Promise<Response> {
    c.set("visit", this.#visitOf(c, await readActor(this.#people, c)));
    await pageHeaders(installablePolicy)(c, async () => {
      c.res = await this.#failed(notFound("such page"), c);
    });
    return c.res;
  }

  async #failed(error: Error, c: PageContext): Promise<Response> {
    if (!(error instanceof AnsweredProblem)) await noteRefusal(this.#people, c, error);
    // An error before anybody was looked up, such as of a body that is too large.
    const visit = c.get("visit") ?? this.#visitOf(c, undefined);
    const id = c.get("requestId");
    if (!(error instanceof HttpProblem)) this.#people.logger.error("page-failed", { requestId: id, error });
    const problem = error instanceof HttpProblem ? error : new HttpProblem(500, "internal", "");
    if (problem.code === "unauthorized") return toSignIn(c, visit);
    for (const [name, value] of Object.entries(problem.headers)) c.header(name, value);
    return c.html(<Failed visit={visit} problem={problem} requestId={id} />, problem.status);
  }
}

/** Where the visitor has to go first; undefined: nowhere. Throws what the API would answer. */
function demandPermitted(c: PageContext, visit: Visit, action: Action): Answer | undefined {
  const { actor } = visit;
  if (!actor) return toSignIn(c, visit);
  if (actor.person?.needsSecondFactor && action !== "account.self") return c.redirect("/account", 303);
  if (reachOf(actor, action) === undefined)
    throw new HttpProblem(403, "not-permitted", `The role "${actor.role}" may not do this (${action}).`);
  const site = c.req.param("site");
  if (site !== undefined && !may(actor, action, { site })) throw notFound(`site ${site}`);
  return undefined;
}

/** Back to this page afterwards; a form goes along. */
function toSignIn(c: PageContext, visit: Visit): Answer {
  if (c.req.header("hx-request") !== undefined) return partOver(c, visit);
  if (c.req.method !== "GET") return signInWithForm(c, visit);
  const { pathname, search } = new URL(c.req.url);
  const next = pathname === "/" ? undefined : pathname + search;
  return c.redirect(`/sign-in${query({ next })}`, 303);
}

/** A path of this service and nothing that a browser would take for another one; else "/". */
export function ownPath(text: string | undefined): string {
  return text !== undefined && /^\/(?![/\\])[\w\-./?=&%~+:]*$/.test(text) ? text : "/";
}

/** A form's fields as text, trimmed but for passwords; a field that came twice is in `all`. */
export class FormWords {
  readonly #data: FormData;

  private constructor(data: FormData) {
    this.#data = data;
  }

  static async of(c: PageContext): Promise<FormWords> {
    try {
      return new FormWords(await c.req.raw.formData());
    } catch (cause) {
      if (cause instanceof HttpProblem) throw cause;
      throw new HttpProblem(400, "malformed-form", "The body is not a form.");
    }
  }

  /** "" when it did not come. */
  text(name: string): string {
    return this.exact(name).trim();
  }

  /** As it came, blanks included. */
  exact(name: string): string {
    const value = this.#data.get(name);
    return typeof value === "string" ? value : "";
  }

  /** The text of a file that was chosen; undefined: none was. */
  async file(name: string): Promise<string | undefined> {
    const value = this.#data.get(name);
    return value instanceof File && value.size > 0 ? value.text() : undefined;
  }

  /** For the API: a form with an OnceKey that is sent twice takes effect once. */
  onceKey(): Record<string, string> {
    const key = this.text("once");
    return /^[\w-]{1,100}$/.test(key) ? { "idempotency-key": key } : {};
  }

  /** undefined when it is empty. */
  some(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  all(name: string): string[] {
    return this.#data.getAll(name).filter((value) => typeof value === "string");
  }
}
