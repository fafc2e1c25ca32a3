/** Attributes of a part of a page that asks for itself anew, because what it shows changes while somebody looks. */
import { byItselfHeader } from "../../people/caller.ts";

/** The request says that nobody made it, so a page that is left open does not keep its session from growing idle. */
export function refreshed(path: string, everyS: number) {
  return {
    "hx-get": path,
    "hx-trigger": `every ${everyS}s`,
    "hx-swap": "outerMorph",
    "hx-headers": JSON.stringify({ [byItselfHeader]: "yes" }),
  };
}
