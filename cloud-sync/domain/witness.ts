/**
 * What a gateway has vouched for: with every poll it signs how far its journal goes. A journal that is later shorter, or says something
 * else up to that place, was cut or rewritten by somebody, and a chain alone would not show that.
 */
import type { EventSeq } from "../../gateway/domain/entry-event.ts";

/** The journal up to `seq` has the chain value `head`. `boot` and `beat` order what one gateway says. */
export interface Witness {
  readonly boot: number;
  readonly beat: number;
  readonly seq: EventSeq;
  readonly head: string;
  /** The gateway's signature over headStatement (wire/gateway-api.ts). */
  readonly signature: string;
}

/** What to keep after a newer word, and the number from which events it once vouched for are gone. */
export function afterWord(
  known: Witness | undefined,
  word: Witness,
): { readonly witness: Witness; readonly cutAt?: EventSeq } {
  // One that was long under way tells nothing new.
  if (known && (word.boot < known.boot || (word.boot === known.boot && word.beat <= known.beat)))
    return { witness: known };
  return { witness: word, ...(known && word.seq < known.seq && { cutAt: word.seq + 1 }) };
}

/** Events it vouched for that have not arrived. */
export function eventsOwed(witness: Witness | undefined, next: EventSeq): number {
  return Math.max(0, (witness?.seq ?? 0) - next + 1);
}
