/** Where a host answers a guard's question about a visitor. Nobody signs in: the notice leads here, and its address is good for two minutes. */
import { type Context, Hono } from "hono";
import { preferredLanguage } from "../../web/language.ts";
import { limitBody, limitRate, RateLimiter } from "../../web/limits.ts";
import { Page, pageHeaders } from "../../web/page.tsx";
import { fieldProblem } from "../../web/problem.ts";
import type { CloudEnv } from "../authenticate.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { type AskedHost, answerQuestion, readAsked } from "../host-questions.ts";
import { pagesStyle } from "../pages/frame.tsx";
import { isLanguage, type Language, languages } from "../pages/words/words.ts";
import { callerOf, callingNetwork } from "../people/caller.ts";
import { answers, askedFacts, askedPath } from "../people/notices.ts";
import { linkToken } from "../store/link-secret.ts";

const formBytesMax = 1_024;

export function askedPages(parts: CloudParts): Hono<CloudEnv> {
  const app = new Hono<CloudEnv>();
  const requests = new RateLimiter({ burst: 60, perSecond: 2 }, () => parts.clock.monotonic());
  app.use("/a/*", pageHeaders(), limitRate(requests, callingNetwork), limitBody(formBytesMax));

  // A program that looks at what links lead to answers nothing by it.
  app.get("/a/:token", async (c) => {
    const { token, lang } = askedOf(c);
    const asked = token === undefined ? undefined : await readAsked(parts, token);
    if (token === undefined || !asked) return c.html(<Unknown lang={lang} />, 404);
    const facts = await askedFacts(parts.store.db, asked.row, lang);
    return c.html(<AskedPage token={token} asked={asked} facts={facts} lang={lang} />);
  });

  app.post("/a/:token", async (c) => {
    const { token, lang } = askedOf(c);
    const { answer } = await c.req.parseBody();
    const given = answers.find((one) => one === answer);
    if (given === undefined) throw fieldProblem("body.answer", `must be one of ${answers.join(", ")}`);
    const asked =
      token === undefined ? undefined : await answerQuestion(parts, token, given === "approve", callerOf(c));
    if (token === undefined || !asked) return c.html(<Unknown lang={lang} />, 404);
    // The worker shows it where the notice was.
    if (c.req.header("accept") === "application/json") return c.json({ body: standingText(asked, lang) });
    return c.redirect(askedPath(token), 303);
  });

  return app;
}

function askedOf(c: Context<CloudEnv>) {
  c.header("vary", "accept-language, accept");
  const lang = preferredLanguage(c.req.header("accept-language"), isLanguage, "en");
  const token = c.req.param("token") ?? "";
  return { lang, token: linkToken.test(token) ? token : undefined };
}

function standingText({ standing, row }: AskedHost, lang: Language): string {
  const { asked } = languages[lang];
  switch (standing) {
    case "open":
      return asked.lead;
    case "sent":
    case "told":
      return asked.standings[standing][row.approves ? "approved" : "denied"];
    case "late":
    case "over":
      return asked.standings[standing];
  }
}

function Unknown({ lang }: { lang: Language }) {
  const { asked, product } = languages[lang];
  return (
    <Page title={`${asked.unknown} – ${product}`} lang={lang} styles={[pagesStyle]}>
      <h1>{asked.unknown}</h1>
      <p>{asked.unknownText}</p>
    </Page>
  );
}

interface AskedProps {
  readonly token: string;
  readonly asked: AskedHost;
  readonly facts: Awaited<ReturnType<typeof askedFacts>>;
  readonly lang: Language;
}

function AskedPage({ token, asked, facts, lang }: AskedProps) {
  const words = languages[lang];
  const isOpen = asked.standing === "open";
  const isGood = asked.standing === "told" || asked.standing === "sent";
  return (
    <Page title={`${words.asked.title(facts.visitor)} – ${words.product}`} lang={lang} styles={[pagesStyle]}>
      <h1>{words.asked.title(facts.visitor)}</h1>
      <p>{words.asked.question(facts)}</p>
      {isOpen ? (
        <form method="post" action={askedPath(token)}>
          <h2>{words.asked.lead}</h2>
          <button type="submit" name="answer" value="approve">
            {words.asked.approve}
          </button>
          <button type="submit" name="answer" value="deny" class="secondary">
            {words.asked.deny}
          </button>
          <p>
            <small>{words.asked.hint}</small>
          </p>
        </form>
      ) : (
        <p class={`notice ${isGood ? "good" : "bad"}`} role="status">
          {standingText(asked, lang)}
        </p>
      )}
    </Page>
  );
}
