/** What a person sees instead of a page or after a form that was refused; a program gets the problem as it is. */
import type { Context } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import { Page } from "../../web/page.tsx";
import type { Problem } from "../../web/problem.ts";
import { languageOf } from "./language.ts";
import { staffWords } from "./staff-words.ts";

/** `answer`: the problem as JSON. It stays that for whoever did not ask for a page. */
export async function problemPage(c: Context, answer: Response): Promise<Response> {
  if (!(c.req.header("accept") ?? "").includes("text/html")) return answer;
  const { title, detail, requestId } = (await answer.json()) as Problem;
  const retryAfter = answer.headers.get("retry-after");
  if (retryAfter !== null) c.header("retry-after", retryAfter);
  c.status(answer.status as StatusCode);
  const language = languageOf(c);
  const words = staffWords[language];
  return c.html(
    <Page title={title} lang={language}>
      <h1>{language === "en" ? title : words.failed}</h1>
      <p role="alert" lang={detail ? "en" : language}>
        {detail || words.openAnew}
      </p>
      <p>
        <small>{requestId}</small>
      </p>
      <p>
        <a href="/">{words.doorsAndStatus}</a>
      </p>
    </Page>,
  );
}
