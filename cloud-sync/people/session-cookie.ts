/** The cookie by which a browser shows its session. Scripts cannot read it, and no other site's page makes the browser send it with a form. */
import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { HttpProblem } from "../../web/problem.ts";
import { isByHttps, isPrivateLine } from "./caller.ts";

/** With this beginning a browser takes it by https alone, and from no other name of the domain. */
const httpsName = "__Host-postern";
const localName = "postern";
/** As long as a browser keeps any; the session ends before. */
const maxAgeS = 30 * 86_400;

export function readSessionCookie(c: Context, publicUrl: string | undefined): string | undefined {
  return getCookie(c, nameOf(c, publicUrl));
}

/** Throws the 403 of a line that others can listen to. */
export function giveSessionCookie(c: Context, publicUrl: string | undefined, token: SecretString): void {
  if (!isPrivateLine(c, publicUrl))
    throw new HttpProblem(
      403,
      "https-needed",
      "Open this page by https, or on the machine itself: here others could listen.",
    );
  setCookie(c, nameOf(c, publicUrl), token.reveal(), { ...rules(c, publicUrl), maxAge: maxAgeS });
}

export function takeSessionCookie(c: Context, publicUrl: string | undefined): void {
  deleteCookie(c, nameOf(c, publicUrl), rules(c, publicUrl));
}

function rules(c: Context, publicUrl: string | undefined) {
  return { path: "/", httpOnly: true, secure: isByHttps(c, publicUrl), sameSite: "Lax" } as const;
}

function nameOf(c: Context, publicUrl: string | undefined): string {
  return isByHttps(c, publicUrl) ? httpsName : localName;
}
