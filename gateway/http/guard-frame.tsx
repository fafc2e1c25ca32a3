/** The frame of the guard's pages: who is signed in, where the pages lead, and what the script has to say in words. */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { Page } from "../../web/page.tsx";
import type { Language } from "../domain/denial-text.ts";
import type { SiteParts } from "../flows/site-parts.ts";
import { guardScripts, guardStyle, iconPng, iconSvg, manifestPath } from "./guard-app.ts";
import { type GuardWords, guardWords } from "./guard-words.ts";
import { LanguageSwitch, pathOf } from "./language-switch.tsx";
import type { StaffSession } from "./staff-sessions.ts";

/** One request of a guard who has signed in. */
export interface GuardVisit {
  readonly c: Context;
  readonly site: SiteParts;
  readonly session: StaffSession;
  readonly language: Language;
}

export function Frame({ visit, children }: { visit: GuardVisit; children?: Child }) {
  const { c, language, session } = visit;
  const words = guardWords[language];
  return (
    <GuardDocument language={language} words={words}>
      <header class="guard">
        <p class="who">
          <span>
            {words.signedIn} <strong>{session.member.name}</strong>
          </span>
          <LanguageSwitch language={language} here={pathOf(c)} />
        </p>
        <nav aria-label={words.title}>
          <a href="/guard">{words.scan}</a>
          <a href="/">{words.doors}</a>
        </nav>
        <h1>{words.title}</h1>
      </header>
      {children}
    </GuardDocument>
  );
}

/** `words.line`: shown by the script while they are true. */
export function GuardDocument(props: { language: Language; words: GuardWords; children?: Child }) {
  const { language, words, children } = props;
  return (
    <Page title={words.title} lang={language} styles={[guardStyle.url]} scripts={guardScripts} head={<AppLinks />}>
      <div class="line" role="status">
        <p data-when="sending" hidden>
          {words.line.sending}{" "}
          <button type="button" class="outline" data-do="give-up">
            {words.line.giveUp}
          </button>
        </p>
        <p data-when="unreachable" hidden>
          {words.line.unreachable}
        </p>
        <p data-when="muted" hidden>
          {words.line.muted}
        </p>
      </div>
      <section class="pending" data-when="pending" hidden>
        <p>
          {words.line.old} <strong data-part="about" /> <span data-part="at" />
        </p>
        <button type="button" data-do="send-old">
          {words.line.sendOld}
        </button>
        <button type="button" class="outline" data-do="drop-old">
          {words.line.dropOld}
        </button>
      </section>
      {children}
    </Page>
  );
}

function AppLinks() {
  return (
    <>
      <link rel="manifest" href={manifestPath} />
      <link rel="icon" href={iconSvg.url} type="image/svg+xml" />
      <link rel="apple-touch-icon" href={iconPng.url} />
      <meta name="mobile-web-app-capable" content="yes" />
      <meta name="apple-mobile-web-app-title" content="Postern" />
    </>
  );
}
