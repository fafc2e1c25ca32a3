/** What guests are told where the owner has written nothing of their own. One language more: one file beside these and one line here. */
import type { MessageKind } from "../domain/guest-messages.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";

export interface GuestTexts {
  /** Of a mail. */
  readonly subjects: Readonly<Record<MessageKind, string>>;
  /** "link": it leads to the guest's page · "pin": there is none, or the owner wants the digits told. */
  readonly texts: Readonly<Record<MessageKind, { readonly link: string; readonly pin: string }>>;
  /** When a door has not confirmed the code. */
  readonly unproven: string;
  readonly wifi: string;
}

export const guestTexts = { en, es } as const satisfies Record<string, GuestTexts>;
export type GuestLanguage = keyof typeof guestTexts;
export const guestLanguages = Object.keys(guestTexts) as [GuestLanguage, ...GuestLanguage[]];

export const isGuestLanguage = (text: string | null): text is GuestLanguage => text !== null && text in guestTexts;
