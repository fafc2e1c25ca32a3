/** The button that shows a page in the other language. */
import type { Context } from "hono";
import type { Language } from "../domain/denial-text.ts";

const names: Readonly<Record<Language, string>> = { en: "English", es: "Español" };

/** `here`: where to come back to. */
export function LanguageSwitch({ language, here }: { language: Language; here: string }) {
  const other = language === "en" ? "es" : "en";
  return (
    <form method="post" action="/language" class="language">
      <input type="hidden" name="next" value={here} />
      <button type="submit" name="language" value={other} lang={other} class="outline">
        {names[other]}
      </button>
    </form>
  );
}

/** The page that was asked for, with its query. */
export function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
