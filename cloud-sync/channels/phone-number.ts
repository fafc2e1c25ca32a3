/** Telephone numbers as guests and booking sites write them. National ones mean a country that somebody has to say. */
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/min";

/** E.164, "+34612345697"; undefined: it is none, or a national one without a country. `country`: ISO 3166, "ES". */
export function toE164(text: string | null, country: string | null): string | undefined {
  const given = text?.trim() ?? "";
  // The end of one, as calendars tell it: in some countries it would be somebody else's.
  if (given.startsWith("…")) return undefined;
  const known = country !== null && isSupportedCountry(country) ? (country as CountryCode) : undefined;
  // "0034…", as it is dialled in most places.
  const number = parsePhoneNumberFromString(given.replace(/^00(?=[1-9])/, "+"), known ? { defaultCountry: known } : {});
  return number?.isPossible() ? number.number : undefined;
}

export const isCountry = (text: string): boolean => isSupportedCountry(text);
