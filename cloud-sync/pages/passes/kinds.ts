/** Kinds of visits in the words of a language. */
import { type VisitorType, visitorTypes } from "../../pass.ts";
import type { Words } from "../words/words.ts";

const isKnown = (kind: string | null): kind is VisitorType => visitorTypes.some((one) => one === kind);

/** Of a kind that another program made up: as it says. */
export function kindName(kind: string | null, { passes }: Words): string {
  return isKnown(kind) ? passes.kinds[kind] : (kind ?? "–");
}

export const kindChoices = ({ passes }: Words) => visitorTypes.map((value) => ({ value, label: passes.kinds[value] }));
