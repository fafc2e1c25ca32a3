/** What the error codes of Meta's WhatsApp Cloud API mean to us (reference/upstreams.md §5). Meta says: go by the code, not by HTTP or words. */
import type { Millis } from "../../gateway/domain/instant.ts";
import type { ErrorClass } from "./guest-channel.ts";

export const metaErrors: Readonly<Record<number, ErrorClass>> = {
  1: "later",
  2: "later",
  4: "later",
  80007: "later",
  130429: "later",
  131000: "later",
  131016: "later",
  131056: "later",
  133004: "later",
  // For a day or longer: another way is quicker.
  131048: "recipient",
  131049: "recipient",
  130472: "recipient",
  470: "template",
  131047: "template",
  131021: "recipient",
  131026: "recipient",
  131030: "recipient",
  131050: "recipient",
  0: "operator",
  3: "operator",
  10: "operator",
  190: "operator",
  200: "operator",
  368: "operator",
  131031: "operator",
  131042: "operator",
  131051: "operator",
  132000: "operator",
  132001: "operator",
  132005: "operator",
  132007: "operator",
  132012: "operator",
  132015: "operator",
  132016: "operator",
  133010: "operator",
};

/** One pair of numbers more often than every six seconds is refused (131056). */
export const samePairMs: Millis = 6_000;

/** `status`: of the HTTP answer; undefined: a webhook told it. */
export function classOfMeta(code: number | undefined, status: number | undefined): ErrorClass {
  const known = code === undefined ? undefined : metaErrors[code];
  if (known) return known;
  if (status === undefined) return "recipient";
  if (status === 401 || status === 403) return "operator";
  return status === 429 || status >= 500 ? "later" : "recipient";
}
