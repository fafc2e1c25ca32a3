/** What every page of every service shares: its frame, its style sheets and script, and the headers that keep foreign content out. */
import type { Env, Hono, MiddlewareHandler } from "hono";
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { asset, serveAssets } from "./assets.ts";

const pico = asset(import.meta.resolve("@picocss/pico/css/pico.min.css"));
const style = asset(import.meta.resolve("./style.css"));
const htmx = asset(import.meta.resolve("htmx.org/dist/htmx.min.js"));

const policy: Readonly<Record<string, string>> = {
  "default-src": "'none'",
  "style-src": "'self'",
  "script-src": "'self'",
  "img-src": "'self' data:",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'self'",
  "frame-ancestors": "'none'",
};

/** The pages' content security policy. `more`: sources that one page needs besides, by directive. */
export function contentSecurityPolicy(more: Readonly<Record<string, string>> = {}): string {
  const names = new Set([...Object.keys(policy), ...Object.keys(more)]);
  return [...names].map((name) => [name, policy[name], more[name]].filter(Boolean).join(" ")).join("; ");
}

const usualPolicy = contentSecurityPolicy();

/** htmx adds no style of its own, and an answer that is an error leaves the page as it was. */
const htmxConfig = JSON.stringify({ includeIndicatorCSS: false, noSwap: [204, 304, "4xx", "5xx"] });

/** A gate in a wall. */
export const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f5a4b"/>' +
    '<path d="M9 26V15a7 7 0 0 1 14 0v11" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>' +
    '<circle cx="19" cy="19" r="1.9" fill="#f0bf5a"/></svg>',
)}`;

export interface PageProps {
  readonly title: string;
  /** BCP 47; "en" when left out. */
  readonly lang?: string | undefined;
  /** What stands above the content: name, navigation. */
  readonly banner?: Child;
  /** Addresses of style sheets after the shared ones. */
  readonly styles?: readonly string[];
  /** Addresses of module scripts; htmx is always there. */
  readonly scripts?: readonly string[];
  /** What stands in the document's head besides. */
  readonly head?: Child;
  readonly children?: Child;
}

/** A whole document. Its content carries no inline style and no inline script: the policy of pageHeaders() refuses both. */
export function Page({ title, lang = "en", banner, styles = [], scripts = [], head, children }: PageProps) {
  return (
    <>
      {raw("<!doctype html>")}
      <html lang={lang}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f5f3ec" />
          <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#101513" />
          <meta name="htmx-config" content={htmxConfig} />
          <title>{title}</title>
          <link rel="icon" href={icon} />
          {[pico.url, style.url, ...styles].map((url) => (
            <link rel="stylesheet" href={url} />
          ))}
          <script src={htmx.url} defer></script>
          {scripts.map((url) => (
            <script type="module" src={url}></script>
          ))}
          {head}
        </head>
        <body>
          {banner}
          <main class="container" id="content">
            {children}
          </main>
        </body>
      </html>
    </>
  );
}

/** Headers of every answer. A handler that set a content security policy of its own keeps it. */
export function pageHeaders(policy = usualPolicy): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (!c.res.headers.has("content-security-policy")) c.header("content-security-policy", policy);
    c.header("x-content-type-options", "nosniff");
    c.header("referrer-policy", "no-referrer");
  };
}

/** What every page loads. */
export const pageAssets = [pico, style, htmx];

/** Their routes. */
export function addAssets<E extends Env>(app: Hono<E>): void {
  serveAssets(app, pageAssets);
}
