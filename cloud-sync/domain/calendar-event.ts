/**
 * What an event of a platform's calendar says of a stay, purely (reference/upstreams.md §3): whose it is and by what it is known, or that
 * it is none. Platforms say so in the words of their summaries and in lines of their descriptions.
 */
import type { Guest } from "./reconcile-bookings.ts";

export interface EventText {
  readonly uid: string;
  readonly summary: string;
  readonly description: string;
  readonly url: string;
  readonly nights: number;
}

export type EventMeaning =
  | { readonly is: "stay"; readonly guest: Guest; readonly code: string | null; readonly mayBeBlock: boolean }
  /** Days that are closed, what repeats what another event says, or a stay that nobody can be told from. */
  | { readonly is: "nothing" };

/** `closedIsStay`: what the platform says of stays and of closed days alike is taken for a stay. */
export function meaningOf(event: EventText, { closedIsStay }: { readonly closedIsStay: boolean }): EventMeaning {
  const summary = event.summary.trim();
  const description = event.description;
  if (closedWords.test(summary))
    return closedIsStay && event.nights <= closedNightsMax
      ? stay({ ...event, name: platformOf(event.uid), code: null, mayBeBlock: true })
      : nothing;
  if (blockWords.test(summary)) return nothing;
  if (event.nights <= 1 && extraWords.test(summary)) return nothing;
  const code = codeIn(`${event.url}\n${description}`);
  const name = nameIn(summary) ?? code;
  return name === null ? nothing : stay({ ...event, name, code, mayBeBlock: false });
}

const nothing = { is: "nothing" } as const satisfies EventMeaning;

/** Booking.com writes it for guests and for closed days. */
const closedWords = /^closed\s*[-–]\s*not available$/i;
/** Nobody stays for longer there; a season is closed so. */
const closedNightsMax = 90;
const blockWords = /\b(?:blocked|not available|unavailable)\b/i;
/** Of Smoobu, beside the stay itself. */
const extraWords = /\bcheck-?\s?(?:in|out)\b/i;
/** What stands before a guest's name, or in its place. */
const platformWords = /^(?:reserved|reservation|booked|closed)(?:\s*[-–:]\s*|$)/i;
const tripadvisorWords = /^tripadvisor[^:]*:\s*/i;

function nameIn(summary: string): string | null {
  const name = summary.replace(tripadvisorWords, "").replace(platformWords, "").trim();
  return name === "" ? null : name;
}

function stay({
  name,
  code,
  mayBeBlock,
  description,
}: EventText & { readonly name: string; readonly code: string | null; readonly mayBeBlock: boolean }): EventMeaning {
  const email = /^e-?mail:[ \t]*(\S+@\S+)/im.exec(description)?.[1]?.slice(0, 320) ?? null;
  return {
    is: "stay",
    guest: { name: name.slice(0, 200), phone: phoneIn(description), email, language: null },
    code,
    mayBeBlock,
  };
}

const airbnbCode = /\/reservations\/details\/([A-Z][A-Z0-9]{9})\b/;
const codeLine = /^(?:booking|reservation|confirmation)[ \t]*(?:id|code|number|no\.?)[ \t]*:[ \t]*(\S{3,60})/im;

function codeIn(text: string): string | null {
  return airbnbCode.exec(text)?.[1] ?? codeLine.exec(text)?.[1] ?? null;
}

const lastFour = /\(last 4 digits\):[ \t]*(\d{4})\b/i;
const phoneLine = /^phone(?:[ \t]*number)?:[ \t]*([+()\d][-+()\d\s./]{3,38})/im;

/** "…1234" where the platform tells no more than the end of it. */
function phoneIn(description: string): string | null {
  const four = lastFour.exec(description)?.[1];
  return four === undefined ? (phoneLine.exec(description)?.[1]?.trim() ?? null) : `…${four}`;
}

/** An hour that the description names, "16:00". */
export function hourIn(description: string, which: "in" | "out"): string | null {
  const line = new RegExp(`^check-?\\s?${which}(?:[ \\t]*time)?:[ \\t]*(\\d{1,2}):(\\d{2})`, "im").exec(description);
  const [hour, minute] = [Number(line?.[1]), Number(line?.[2])];
  return line && hour < 24 && minute < 60 ? `${line[1]!.padStart(2, "0")}:${line[2]}` : null;
}

function platformOf(uid: string): string {
  return /@booking\.com$/i.test(uid) ? "Booking.com" : "Reserved";
}
