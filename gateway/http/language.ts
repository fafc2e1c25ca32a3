/** In which language a person reads the gateway's pages: the one chosen on a page, else the browser's first that is known. */
import type { Context, Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { csrf } from "hono/csrf";
import { preferredLanguage } from "../../web/language.ts";
import { limitBody } from "../../web/limits.ts";
import { HttpProblem, type RequestIdEnv } from "../../web/problem.ts";
import { isLanguage, type Language } from "../domain/denial-text.ts";

const cookie = "postern-language";
const keptS = 365 * 86_400;
const formBytesMax = 8_192;

export function languageOf(c: Context): Language {
  const chosen = getCookie(c, cookie);
  return isLanguage(chosen) ? chosen : preferredLanguage(c.req.header("accept-language"), isLanguage, "en");
}

/** The form of every page's switch. */
export function addLanguageSwitch(app: Hono<RequestIdEnv>): void {
  app.post("/language", limitBody(formBytesMax), csrf(), async (c) => {
    const { language, next } = await c.req.parseBody();
    if (typeof language !== "string" || !isLanguage(language))
      throw new HttpProblem(400, "invalid-request", "language: en or es");
    setCookie(c, cookie, language, { path: "/", sameSite: "Lax", httpOnly: true, maxAge: keptS });
    return c.redirect(ownPath(next), 303);
  });
}

/** `wanted`, when it is a page of this gateway; else the first page. */
export function ownPath(wanted: unknown): string {
  const here = "http://gateway.invalid";
  if (typeof wanted !== "string" || !wanted.startsWith("/") || !URL.canParse(wanted, here)) return "/";
  const { origin, pathname, search } = new URL(wanted, here);
  // "//somewhere" would lead to another host.
  return origin === here && !/^\/[/\\]/.test(pathname) ? pathname + search : "/";
}
