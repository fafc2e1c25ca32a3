/** The languages of the pages. One language more: one file beside en.ts and one line here. */
import { en } from "./en.ts";
import { es } from "./es.ts";

export const languages = { en, es } as const satisfies Record<string, Words>;
export type Language = keyof typeof languages;

/** What every language must say: a word that is missing does not compile. */
export type Words = typeof en;

export const isLanguage = (text: string | undefined): text is Language => text !== undefined && text in languages;
