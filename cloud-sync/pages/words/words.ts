/** The languages of the pages, and which one a visitor gets. One language more: one file beside en.ts and one line here. */
import { en } from "./en.ts";
import { es } from "./es.ts";

export const languages = { en, es } as const satisfies Record<string, Words>;
export type Language = keyof typeof languages;

/** What every language must say: a word that is missing does not compile. */
export type Words = typeof en;

export const isLanguage = (text: string | undefined): text is Language => text !== undefined && text in languages;

/** The first of the visitor's languages that there is; English when there is none. `accepted`: an Accept-Language header. */
export function preferredLanguage(accepted: string | undefined): Language {
  const wanted = (accepted ?? "")
    .slice(0, 500)
    .split(",")
    .map((entry, place) => {
      const [tag = "", ...parameters] = entry.trim().split(";");
      const weight = parameters.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((one) => one !== undefined);
      return { language: tag.toLowerCase().split("-")[0], weight: Number(weight ?? 1), place };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight || a.place - b.place);
  for (const { language } of wanted) if (isLanguage(language)) return language;
  return "en";
}
