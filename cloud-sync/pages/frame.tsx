/** The frame of every page: name, navigation by what the visitor may do, language, and the content. */
import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import { asset, serveAssets } from "../../web/assets.ts";
import { addAssets, Page } from "../../web/page.tsx";
import { type Action, reachOf } from "../domain/permissions.ts";
import { passkeyScript } from "./passkeys.tsx";
import type { PageEnv, Visit } from "./visit.ts";
import { type Language, languages, type Words } from "./words/words.ts";

const style = asset(import.meta.resolve("./assets/pages.css"));
const script = asset(import.meta.resolve("./assets/pages.js"));

export function addPageAssets(app: Hono<PageEnv>): void {
  addAssets(app);
  serveAssets(app, [style, script, passkeyScript]);
}

const destinations: readonly (readonly [name: keyof Words["nav"], path: string, action: Action])[] = [
  ["codes", "/codes", "codes.read"],
  ["sites", "/sites", "gateways.read"],
  ["grants", "/grants", "grants.read"],
  ["events", "/events", "events.read"],
  ["people", "/people", "people.read"],
  ["agencies", "/agencies", "people.change"],
  ["audit", "/audit", "audit.read"],
  ["account", "/account", "account.self"],
];

/** What the visitor may go to; the first is where they begin. */
export function destinationsOf({ actor }: Pick<Visit, "actor">): typeof destinations {
  return actor === undefined ? [] : destinations.filter(([, , action]) => reachOf(actor, action) !== undefined);
}

interface FrameProps {
  readonly visit: Visit;
  readonly title: string;
  /** Path of the destination the page belongs to. */
  readonly at?: string | undefined;
  /** Of the page alone. */
  readonly scripts?: readonly string[];
  readonly children?: Child;
}

export function Frame({ visit, title, at, scripts = [], children }: FrameProps) {
  const { words, lang, actor } = visit;
  return (
    <Page
      title={`${title} – ${words.product}`}
      lang={lang}
      styles={[style.url]}
      scripts={[script.url, ...scripts]}
      banner={
        <>
          <a class="skip" href="#content">
            {words.skip}
          </a>
          <header class="banner">
            <div class="container">
              <a class="product" href="/">
                {words.product}
              </a>
              {actor && <Navigation visit={visit} at={at} />}
            </div>
          </header>
        </>
      }
    >
      {children}
      {!actor && <Languages lang={lang} />}
    </Page>
  );
}

function Navigation({ visit, at }: { visit: Visit; at: string | undefined }) {
  const { words } = visit;
  return (
    <>
      <button type="button" class="secondary" popovertarget="menu">
        {words.menu}
      </button>
      <nav id="menu" popover="auto" aria-label={words.nav.label}>
        {destinationsOf(visit).map(([name, path]) => (
          <a href={path} aria-current={path === at ? "page" : undefined}>
            {words.nav[name]}
          </a>
        ))}
        <form method="post" action="/sign-out">
          <button type="submit" class="secondary">
            {words.nav.signOut}
          </button>
        </form>
      </nav>
    </>
  );
}

/** Each in its own language, so that whoever does not read this one finds theirs. */
function Languages({ lang }: { lang: Language }) {
  return (
    <form method="post" action="/language" class="row">
      {Object.entries(languages).map(([code, words]) => (
        <button type="submit" name="language" value={code} class="plain" lang={code} aria-pressed={code === lang}>
          {words.language}
        </button>
      ))}
    </form>
  );
}
