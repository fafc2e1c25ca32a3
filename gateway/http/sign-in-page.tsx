/** Where staff sign in at the gateway; over a line that anybody can read it says why not here, and what helps. */
import type { Context } from "hono";
import { Page } from "../../web/page.tsx";
import { languageOf } from "./language.ts";
import { LanguageSwitch } from "./language-switch.tsx";
import { type StaffWords, staffWords } from "./staff-words.ts";

interface SignInProps {
  readonly c: Context;
  /** Of the gateway. */
  readonly name: string;
  readonly isSafe: boolean;
  /** Where the sign-in leads. */
  readonly next: string;
  readonly userName?: string;
  readonly refusal?: keyof StaffWords["refusals"];
}

export function SignInPage({ c, name, isSafe, next, userName, refusal }: SignInProps) {
  const language = languageOf(c);
  const words = staffWords[language];
  return (
    <Page title={`${words.signIn} · ${name}`} lang={language}>
      <header>
        <LanguageSwitch language={language} here={`/sign-in?next=${encodeURIComponent(next)}`} />
        <h1>{name}</h1>
        <p>{words.forStaff}</p>
      </header>
      {isSafe ? (
        <form method="post" action="/sign-in" class="narrow">
          <input type="hidden" name="next" value={next} />
          <label>
            {words.userName}
            <input
              name="userName"
              value={userName}
              autocomplete="username"
              autocapitalize="none"
              spellcheck={false}
              maxlength={100}
              required
            />
          </label>
          <label>
            {words.password}
            <input
              name="password"
              type="password"
              autocomplete="current-password"
              maxlength={256}
              required
              aria-invalid={refusal === undefined ? undefined : "true"}
              aria-describedby={refusal === undefined ? undefined : "refusal"}
            />
            {refusal !== undefined && (
              <small id="refusal" role="alert">
                {words.refusals[refusal]}
              </small>
            )}
          </label>
          <button type="submit">{words.signIn}</button>
        </form>
      ) : (
        <p role="alert">
          {words.inClear} <a href="/trust">{words.howToTrust}</a>
        </p>
      )}
    </Page>
  );
}
