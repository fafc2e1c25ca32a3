/** What Twilio's error codes mean to us (reference/upstreams.md §4.3). Twilio refines them over time: what is not here goes by the HTTP status. */
import type { ErrorClass } from "./guest-channel.ts";

export const twilioErrors: Readonly<Record<number, ErrorClass>> = {
  // This guest, never by this way.
  21211: "recipient",
  21614: "recipient",
  21610: "recipient",
  21408: "recipient",
  21612: "recipient",
  30004: "recipient",
  30005: "recipient",
  30006: "recipient",
  63003: "recipient",
  63024: "recipient",
  63032: "recipient",
  // Nobody, until the account or the templates are mended.
  20003: "operator",
  21603: "operator",
  21606: "operator",
  30002: "operator",
  30007: "operator",
  63001: "operator",
  63021: "operator",
  63027: "operator",
  63028: "operator",
  // Outside the 24 hours after the guest's last message.
  63016: "template",
  20429: "later",
  30001: "later",
  30003: "later",
  30008: "later",
  63012: "later",
  63018: "later",
};

/** `status`: of the HTTP answer; undefined: a callback told it. */
export function classOfTwilio(code: number | undefined, status: number | undefined): ErrorClass {
  const known = code === undefined ? undefined : twilioErrors[code];
  if (known) return known;
  if (status === undefined) return "recipient";
  if (status === 401 || status === 403) return "operator";
  return status === 429 || status >= 500 ? "later" : "recipient";
}
