/**
 * A form that was sent when its sender's session had ended: what was filled in goes along through the sign-in, within the pages and nowhere
 * else, and is sent on by whoever has signed in. Passwords and keys are not kept, and neither is a file.
 */
import { z } from "zod";
import { Frame } from "./frame.tsx";
import { FormWords, ownPath, type PageBook, type PageContext } from "./page-book.tsx";
import { SignIn } from "./sign-in.tsx";
import type { Visit } from "./visit.ts";

const keptSchema = z.strictObject({
  path: z.string().refine((path) => ownPath(path) === path),
  fields: z.array(z.tuple([z.string(), z.string()])).max(2_000),
});
type Kept = z.output<typeof keptSchema>;

const secretFields = ["password", "current", "key", "apiKey", "clientSecret", "refreshToken"];
/** As a form encodes it: more would not come through the sign-in's own form. */
const encodedMax = 200_000;

/** The sign-in, with the form that was sent in it. */
export async function signInWithForm(c: PageContext, visit: Visit): Promise<Response> {
  const kept = await keep(c);
  return c.html(<SignIn visit={visit} next="/" news={visit.words.signIn.sessionOver} kept={kept} />, 401);
}

/** "" for a form too large to keep, or none at all. */
async function keep(c: PageContext): Promise<string> {
  if (c.req.raw.bodyUsed) return "";
  const data = await c.req.raw.formData().catch(() => new FormData());
  const fields = [...data].filter(
    (field): field is [string, string] => typeof field[1] === "string" && !secretFields.includes(field[0]),
  );
  const text = JSON.stringify({ path: new URL(c.req.url).pathname, fields } satisfies Kept);
  return new URLSearchParams({ kept: text }).toString().length <= encodedMax ? text : "";
}

/** Within the forms of the sign-in. */
export function KeptField({ kept }: { kept: string }) {
  return kept === "" ? null : <input type="hidden" name="kept" value={kept} />;
}

export function addKeptFormPages(book: PageBook): void {
  // Where a sign-in without a page of its own, by a passkey, leads.
  book.post("/sign-in/kept", "account.self", async (c, visit) => {
    const kept = (await FormWords.of(c)).exact("kept");
    return keptPage(c, visit, kept, "/");
  });
}

/** After the sign-in: the form once more, to be sent by a press; else on to `next`. */
export function keptPage(c: PageContext, visit: Visit, text: string, next: string): Response | Promise<Response> {
  const kept = read(text);
  return kept ? c.html(<SendOn visit={visit} kept={kept} />) : c.redirect(next, 303);
}

function read(text: string): Kept | undefined {
  try {
    return keptSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function SendOn({ visit, kept: { path, fields } }: { visit: Visit; kept: Kept }) {
  const { words } = visit;
  return (
    <Frame visit={visit} title={words.signIn.keptTitle}>
      <h1>{words.signIn.keptTitle}</h1>
      <p>{words.signIn.keptLead}</p>
      <form method="post" action={path} class="sheet">
        {fields.map(([name, value]) =>
          /[\r\n]/.test(value) ? (
            // An input would lose the line breaks.
            <textarea name={name} hidden>{`\n${value}`}</textarea>
          ) : (
            <input type="hidden" name={name} value={value} />
          ),
        )}
        <button type="submit">{words.signIn.keptSend}</button>
      </form>
      <p>
        <a href="/">{words.signIn.keptLeave}</a>
      </p>
    </Frame>
  );
}

/** In the place of a part that fetches itself: the page around it stays, with all that is filled in there. */
export function partOver(c: PageContext, { words }: Visit): Response | Promise<Response> {
  const [, id] = /#([\w-]+)$/.exec(c.req.header("hx-target") ?? "") ?? [];
  const current = c.req.header("hx-current-url") ?? "";
  const { pathname, search } = new URL(URL.canParse(current) ? current : c.req.url);
  return c.html(
    <div id={id} class="notice warn" role="alert">
      <p>
        {words.signIn.sessionOver}{" "}
        <a href={`/sign-in?next=${encodeURIComponent(ownPath(pathname + search))}`} target="_blank" rel="noopener">
          {words.signIn.title}
        </a>
      </p>
    </div>,
  );
}
