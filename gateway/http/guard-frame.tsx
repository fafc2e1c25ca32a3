/** The frame of the guard's pages: who is signed in, where the pages lead, and what the script has to say in words. */
import type { Context } from "hono";
import type { Child } from "hono/jsx";
import { Page } from "../../web/page.tsx";
import type { Language } from "../domain/denial-text.ts";
import { guardScripts, guardStyle, iconPng, iconSvg, manifestPath } from "./guard-app.ts";
import type { GuardSources } from "./guard-routes.ts";
import { type GuardWords, guardWords } from "./guard-words.ts";
import { LanguageSwitch, pathOf } from "./language-switch.tsx";
import type { StaffSession } from "./staff-sessions.ts";

/** One request of a guard who has signed in. */
export interface GuardVisit extends GuardSources {
  readonly c: Context;
  readonly session: StaffSession;
  readonly language: Language;
}

interface FrameProps {
  readonly visit: GuardVisit;
  /** What stands in the document's head besides. */
  readonly head?: Child;
  readonly children?: Child;
}

export function Frame({ visit, head, children }: FrameProps) {
  const { c, language, session } = visit;
  const words = guardWords[language];
  return (
    <GuardDocument language={language} words={words} head={head}>
      <header class="guard" data-guard={session.member.id}>
        <div class="who">
          <h1>{words.title}</h1>
          <strong>{session.member.name}</strong>
          <LanguageSwitch language={language} here={pathOf(c)} />
        </div>
        <nav aria-label={words.title}>
          <a href="/guard">{words.scan}</a>
          <a href="/guard/walk-in">{words.walkIn.title}</a>
          <a href="/guard/visits">{words.visits.inside}</a>
          <a href="/">{words.doors}</a>
        </nav>
      </header>
      {children}
    </GuardDocument>
  );
}

/** `words.line`: shown by the script while they are true. */
export function GuardDocument(props: { language: Language; words: GuardWords; head?: Child; children?: Child }) {
  const { language, words, head, children } = props;
  return (
    <Page
      title={words.title}
      lang={language}
      styles={[guardStyle.url]}
      scripts={guardScripts}
      head={
        <>
          <AppLinks />
          {head}
        </>
      }
    >
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

/** Which gate the guard stands at; nothing to choose where there is one. */
export function GatePicker({ visit, gate }: { visit: GuardVisit; gate: string | undefined }) {
  const gates = [...visit.site.accessPoints.values()];
  if (gates.length === 1) return gates.map(({ id }) => <input type="hidden" name="gate" value={id} />);
  return (
    <label>
      {guardWords[visit.language].gateLabel}
      <select name="gate">
        {gates.map(({ id, name }) => (
          <option value={id} selected={id === gate}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
