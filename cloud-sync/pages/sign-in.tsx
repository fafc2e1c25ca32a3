/** The way in and out: name and password, the second step, the language of whoever is not signed in. */
import { setCookie } from "hono/cookie";
import { HttpProblem } from "../../web/problem.ts";
import { Frame } from "./frame.tsx";
import { KeptField, keptPage } from "./kept-form.tsx";
import type { FieldFaults } from "./own-api.ts";
import { FormWords, ownPath, type PageBook, type PageContext } from "./page-book.tsx";
import { Field, Form } from "./parts/form.tsx";
import { Notice } from "./parts/show.tsx";
import { PasskeySignIn, passkeyScript } from "./passkeys.tsx";
import { languageCookie, type Visit } from "./visit.ts";
import { isLanguage } from "./words/words.ts";

type SignInAnswer =
  | { readonly outcome: "signed-in" }
  | { readonly outcome: "second-factor"; readonly ticket: string; readonly factors: readonly string[] };

const yearS = 31_536_000;

export function addSignInPages(book: PageBook): void {
  book.get("/sign-in", "everybody", (c, visit) => {
    if (visit.actor) return c.redirect("/", 303);
    return c.html(<SignIn visit={visit} next={ownPath(c.req.query("next"))} news={newsOf(c, visit)} />);
  });

  book.post("/sign-in", "everybody", async (c, visit) => {
    const form = await FormWords.of(c);
    const [name, next, kept] = [form.text("name"), ownPath(form.text("next")), form.exact("kept")];
    try {
      const answer = await visit.api.send<SignInAnswer>("POST", "/auth/sign-in", {
        name,
        password: form.exact("password"),
        by: "cookie",
      });
      if (answer.outcome === "signed-in") return keptPage(c, visit, kept, next);
      return c.html(<SecondStep visit={visit} ticket={answer.ticket} next={next} kept={kept} />);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const faults = { "": { own: visit.words.signIn.wrong } };
      return c.html(<SignIn visit={visit} next={next} faults={faults} name={name} kept={kept} />, 422);
    }
  });

  book.post("/sign-in/second-step", "everybody", async (c, visit) => {
    const form = await FormWords.of(c);
    const [ticket, next, kept] = [form.text("ticket"), ownPath(form.text("next")), form.exact("kept")];
    try {
      await visit.api.send("POST", "/auth/second-factor", { ticket, code: form.text("code"), by: "cookie" });
      return keptPage(c, visit, kept, next);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const faults = { code: { own: visit.words.signIn.factorWrong } };
      return c.html(<SecondStep visit={visit} ticket={ticket} next={next} kept={kept} faults={faults} />, 422);
    }
  });

  book.post("/sign-out", "everybody", async (c, visit) => {
    await visit.api.send("POST", "/auth/sign-out");
    return c.redirect("/sign-in?done=signed-out", 303);
  });

  book.post("/language", "everybody", async (c) => {
    const language = (await FormWords.of(c)).text("language");
    if (isLanguage(language))
      setCookie(c, languageCookie, language, { path: "/", httpOnly: true, sameSite: "Lax", maxAge: yearS });
    return c.redirect("/sign-in", 303);
  });
}

/** The name or the proof was not right: a refusal of the form's content, not of the form. */
function isRefusal(error: unknown): boolean {
  return error instanceof HttpProblem && (error.status === 400 || error.status === 401);
}

function newsOf(c: PageContext, { words }: Visit): string | undefined {
  switch (c.req.query("done")) {
    case "signed-out":
      return words.signIn.signedOut;
    case "account":
      return words.welcome.done;
    case "password":
      return words.setPassword.done;
    default:
      return c.req.query("next") === undefined ? undefined : words.signIn.again;
  }
}

interface SignInProps {
  readonly visit: Visit;
  readonly next: string;
  readonly news?: string | undefined;
  readonly faults?: FieldFaults;
  readonly name?: string;
  /** A form that goes along, see kept-form.tsx; "": none. */
  readonly kept?: string;
}

export function SignIn({ visit, next, news, faults, name, kept = "" }: SignInProps) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.signIn.title} scripts={[passkeyScript.url]}>
      <h1>{words.signIn.title}</h1>
      {news && <Notice tone="calm">{news}</Notice>}
      <Form action="/sign-in" words={words} faults={faults} submit={words.signIn.submit}>
        <input type="hidden" name="next" value={next} />
        <KeptField kept={kept} />
        <Field
          name="name"
          label={words.signIn.login}
          words={words}
          value={name}
          required
          autocomplete="username"
          spellcheck={false}
        />
        <Field
          name="password"
          type="password"
          label={words.signIn.password}
          words={words}
          required
          autocomplete="current-password"
        />
      </Form>
      <PasskeySignIn words={words} next={next} kept={kept} />
      <p>
        <a href="/forgot-password">{words.forgot.title}</a>
      </p>
    </Frame>
  );
}

interface SecondStepProps {
  readonly visit: Visit;
  readonly ticket: string;
  readonly next: string;
  readonly kept: string;
  readonly faults?: FieldFaults;
}

function SecondStep({ visit, ticket, next, kept, faults }: SecondStepProps) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.signIn.factorTitle}>
      <h1>{words.signIn.factorTitle}</h1>
      <p>{words.signIn.factorLead}</p>
      <Form action="/sign-in/second-step" words={words} faults={faults} submit={words.signIn.factorSubmit}>
        <input type="hidden" name="next" value={next} />
        <input type="hidden" name="ticket" value={ticket} />
        <KeptField kept={kept} />
        <Field
          name="code"
          label={words.signIn.code}
          hint={words.signIn.codeHint}
          words={words}
          faults={faults}
          required
          autocomplete="one-time-code"
          spellcheck={false}
        />
      </Form>
      <p>
        <a href="/sign-in">{words.common.back}</a>
      </p>
    </Frame>
  );
}
