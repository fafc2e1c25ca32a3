/** The frame of every page: name, navigation by what the visitor may do, language, and the content. */
import type { Hono } from "hono";
import type { Child } from "hono/jsx";
import { asset, serveAssets } from "../../web/assets.ts";
import { manifestOf, manifestType } from "../../web/manifest.ts";
import { addAssets, Page } from "../../web/page.tsx";
import { type Action, reachOf } from "../domain/permissions.ts";
import { passkeyScript } from "./passkeys.tsx";
import { monthStyle } from "./stays/month.tsx";
import type { PageEnv, Visit } from "./visit.ts";
import { type Language, languages, type Words } from "./words/words.ts";

const style = asset(import.meta.resolve("./assets/pages.css"));
const script = asset(import.meta.resolve("./assets/pages.js"));

/** Its address. */
export const pagesStyle = style.url;

const manifestPath = "/app.webmanifest";

export function addPageAssets(app: Hono<PageEnv>): void {
  addAssets(app);
  serveAssets(app, [style, monthStyle, script, passkeyScript]);
  app.get(manifestPath, (c) => {
    const { product: name } = languages.en;
    return c.body(manifestOf({ name, lang: "en", start: "/", scope: "/" }), 200, { "content-type": manifestType });
  });
}

type PlaceName = Exclude<keyof Words["nav"], "label">;

interface Place {
  readonly name: PlaceName;
  readonly path: string;
  readonly action: Action;
}

/** Of the navigation. `tabs`: pages beside each other, of which the first is the destination itself. */
interface Destination extends Place {
  readonly tabs?: readonly Place[];
}

const people: Place = { name: "people", path: "/people", action: "people.read" };
const events: Place = { name: "events", path: "/events", action: "events.read" };
const audit: Place = { name: "audit", path: "/audit", action: "audit.read" };

const sites: Place = { name: "sites", path: "/sites", action: "gateways.read" };
const stays: Place = { name: "stays", path: "/stays", action: "stays.read" };

const destinations: readonly Destination[] = [
  { name: "codes", path: "/codes", action: "codes.read" },
  {
    ...stays,
    tabs: [
      stays,
      { name: "alarms", path: "/alarms", action: "stays.read" },
      { name: "messages", path: "/messages", action: "stays.read" },
      { name: "properties", path: "/properties", action: "stays.read" },
      { name: "sources", path: "/sources", action: "stays.read" },
      { name: "jobs", path: "/jobs", action: "jobs.read" },
    ],
  },
  { name: "passes", path: "/passes", action: "passes.read" },
  { ...sites, tabs: [sites, { name: "integrations", path: "/integrations", action: "integrations.read" }] },
  { name: "grants", path: "/grants", action: "grants.read" },
  { ...events, tabs: [events, { name: "numbers", path: "/numbers", action: "numbers.read" }] },
  {
    ...people,
    tabs: [
      people,
      { name: "agencies", path: "/agencies", action: "people.change" },
      { name: "keys", path: "/api-keys", action: "people.read" },
    ],
  },
  { ...audit, tabs: [audit, { name: "security", path: "/security", action: "security.read" }] },
  { name: "account", path: "/account", action: "account.self" },
];

function permitted<P extends Place>({ actor }: Pick<Visit, "actor">, places: readonly P[]): readonly P[] {
  return actor === undefined ? [] : places.filter(({ action }) => reachOf(actor, action) !== undefined);
}

/** What the visitor may go to; the first is where they begin. */
export const destinationsOf = (visit: Pick<Visit, "actor">) => permitted(visit, destinations);

const isAt = ({ path, tabs = [] }: Destination, at: string | undefined) =>
  path === at || tabs.some((tab) => tab.path === at);

interface FrameProps {
  readonly visit: Visit;
  readonly title: string;
  /** Path of the destination or tab the page belongs to. */
  readonly at?: string | undefined;
  /** Of the page alone, as are these. */
  readonly styles?: readonly string[];
  readonly scripts?: readonly string[];
  readonly children?: Child;
}

export function Frame({ visit, title, at, styles = [], scripts = [], children }: FrameProps) {
  const { words, lang, actor } = visit;
  return (
    <Page
      title={`${title} – ${words.product}`}
      lang={lang}
      styles={[style.url, ...styles]}
      scripts={[script.url, ...scripts]}
      head={<link rel="manifest" href={manifestPath} />}
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
      <Tabs visit={visit} at={at} />
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
        {destinationsOf(visit).map((one) => (
          <a href={one.path} aria-current={isAt(one, at) ? "page" : undefined}>
            {words.nav[one.name]}
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

function Tabs({ visit, at }: { visit: Visit; at: string | undefined }) {
  const { words } = visit;
  const here = destinations.find((one) => one.tabs && isAt(one, at));
  const tabs = permitted(visit, here?.tabs ?? []);
  if (!here || tabs.length < 2) return null;
  return (
    <nav class="tabs" aria-label={words.nav[here.name]}>
      {tabs.map(({ name, path }) => (
        <a href={path} aria-current={path === at ? "page" : undefined}>
          {words.nav[name]}
        </a>
      ))}
    </nav>
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
