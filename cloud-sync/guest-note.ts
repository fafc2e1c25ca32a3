/** A message to a guest in words: the owner's own where there are some, else the usual ones, in the guest's language. */
import { SecretString } from "../gateway/wire/secret.ts";
import type { GuestNote } from "./channels/guest-channel.ts";
import type { MessageFacts, MessageKind } from "./domain/guest-messages.ts";
import { filled, type MessageValues } from "./domain/message-text.ts";
import { inZone, knownZone } from "./pages/parts/moments.tsx";
import { iso } from "./routes/shapes.ts";
import type { MessageSettings } from "./store/message-settings.ts";
import { type GuestLanguage, guestTexts, isGuestLanguage } from "./templates/texts.ts";

export interface NoteFacts {
  readonly kind: MessageKind;
  readonly says: Pick<MessageFacts, "from" | "until">;
  readonly isProven: boolean;
  readonly guest: string;
  readonly language: GuestLanguage;
  readonly property: string;
  /** IANA, of the site. */
  readonly zone: string;
  /** What people call the doors. */
  readonly doors: readonly string[];
  /** undefined: there is none any more, and none is told. */
  readonly code: SecretString | undefined;
  /** Of the guest's page; undefined: there is none. */
  readonly link: string | undefined;
  readonly settings: MessageSettings;
  readonly wifi: string | null;
  /** Its digits stand on the guest's page when the stay begins, and in no message before, where there is that page. */
  readonly isEarlySpare: boolean;
}

export type NoteWords = Pick<GuestNote, "subject" | "text" | "values"> & {
  /** The owner's: they stand in no approved template. */
  readonly isOwn: boolean;
};

/** The language a guest is written to in. */
export function languageOf(guest: string | null, { language }: Pick<MessageSettings, "language">): GuestLanguage {
  if (isGuestLanguage(guest)) return guest;
  return isGuestLanguage(language) ? language : "en";
}

/** Text messages end at 1,600 characters, and the end may be what lets the guest in. */
const ownTextMax = 1_400;
const nameMax = 100;
const doorsMax = 300;

function inShort(doors: readonly string[]): string {
  const all = doors.join(", ");
  return all.length <= doorsMax ? all : `${all.slice(0, doorsMax)}…`;
}

/**
 * The digits are told only where there is no page behind a link, or the property wants it and they are the stay's alone; with what is called off
 * none are.
 */
export function noteInWords(facts: NoteFacts): NoteWords {
  const { kind, language, settings, link, code, says, zone } = facts;
  const isWanted = (settings.pinInMessage && !facts.isEarlySpare) || link === undefined;
  const isPinTold = kind !== "cancelled" && isWanted;
  const { subjects, texts, unproven, wifi } = guestTexts[language];
  const at = (moment: number) => inZone(iso(moment), knownZone(zone), language);
  const values: MessageValues = {
    guest: facts.guest.slice(0, nameMax),
    property: facts.property.slice(0, nameMax),
    from: at(says.from),
    until: at(says.until),
    doors: inShort(facts.doors),
    ...(link !== undefined && { link }),
    ...(isPinTold && code !== undefined && { code: code.reveal() }),
    ...(facts.wifi !== null && { wifi: facts.wifi }),
  };
  const theirs = settings.texts[language]?.[kind];
  const whole = theirs === undefined ? undefined : filled(theirs, values);
  const own = whole !== undefined && whole.length <= ownTextMax ? whole : undefined;
  const tells = kind === "code" || kind === "new-code";
  const pieces = own === undefined ? [filled(texts[kind][isPinTold ? "pin" : "link"], values)] : [own];
  if (own === undefined && tells) {
    if (isPinTold && link !== undefined) pieces.push(link);
    if (facts.wifi !== null) pieces.push(filled(wifi, values));
  }
  if (!facts.isProven && kind !== "cancelled") pieces.push(unproven);
  const asked = [values.guest, values.property, values.from, values.until, isPinTold ? values.code : link];
  return {
    subject: filled(subjects[kind], values) ?? "",
    text: new SecretString(pieces.filter((piece) => piece !== undefined).join("\n")),
    values: asked.map((value) => new SecretString(value ?? "–")),
    isOwn: own !== undefined,
  };
}
