/** What the API objects to, in the visitor's language where it is known there, else as the API says it: in English, and marked as that. */
import type { FaultText } from "../own-api.ts";
import type { Words } from "../words/words.ts";

export function Fault({ text, words }: { text: FaultText; words: Words }) {
  if (typeof text === "object") return <>{text.own}</>;
  for (const [pattern, said] of words.faults) {
    const found = pattern.exec(text);
    if (found) return <>{said(...found.slice(1))}</>;
  }
  return <span lang="en">{text}</span>;
}
