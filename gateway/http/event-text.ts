/** An event of the journal in words, in the language of whoever reads; never more than the event itself holds. */
import type { EntryEvent, EventBody } from "../domain/entry-event.ts";
import { englishEvents } from "./event-text-en.ts";
import { spanishEvents } from "./event-text-es.ts";
import type { Moments } from "./moments.ts";

/** One sentence for each type of event: the compiler asks for a new one in every language. */
export type EventTexts = {
  readonly [Type in EventBody["type"]]: (event: EventBody & { readonly type: Type }, moments: Moments) => string;
};

const texts: Readonly<Record<Moments["language"], EventTexts>> = { en: englishEvents, es: spanishEvents };

export function describeEvent(event: EntryEvent, moments: Moments): string {
  const say = texts[moments.language][event.type] as (event: EventBody, moments: Moments) => string;
  return say(event, moments);
}
