/** What a visitor sees instead of a page that cannot be shown. */
import type { Child } from "hono/jsx";
import type { HttpProblem } from "../../web/problem.ts";
import { Frame } from "./frame.tsx";
import { Fault } from "./parts/fault.tsx";
import type { Visit } from "./visit.ts";

export function Failed({ visit, problem, requestId }: { visit: Visit; problem: HttpProblem; requestId: string }) {
  const { title, text } = wordsOf(visit, problem);
  const { failed } = visit.words;
  return (
    <Frame visit={visit} title={title}>
      <h1>{title}</h1>
      <p>{text}</p>
      {problem.status >= 500 && (
        <p>
          <small>{failed.requestId(requestId)}</small>
        </p>
      )}
      <p>
        <a href="/">{failed.home}</a>
      </p>
    </Frame>
  );
}

function wordsOf({ words }: Visit, { status, code, message, errors }: HttpProblem): { title: string; text: Child } {
  const { failed } = words;
  if (code === "foreign-origin") return { title: failed.title, text: failed.foreign };
  switch (status) {
    case 403:
      return { title: failed.notPermitted, text: failed.notPermittedText };
    case 404:
      return { title: failed.notFound, text: failed.notFoundText };
    case 413:
      return { title: failed.title, text: failed.tooLarge };
    case 429:
      return { title: failed.title, text: failed.busy };
    default:
      if (status >= 500) return { title: failed.title, text: failed.later };
      return { title: failed.title, text: <Fault text={errors[0]?.message ?? message} words={words} /> };
  }
}
