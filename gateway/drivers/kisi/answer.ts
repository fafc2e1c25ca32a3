/** What Kisi means by its answers, in words for people. Only its codes are told on, not its sentences: people are named in them. */
import type { CommandResult } from "../../ports/device.ts";
import { resultOf, type WebAnswer } from "../common/web-answer.ts";
import { errorCode } from "./wire.ts";

const controllerUnavailable = "fac001";

const statuses: Readonly<Record<number, string>> = {
  401: 'the secret "apiKey" is wrong, or was taken back',
  403: "the key's account may not do this at this door",
  404: "there is no lock of this lockId that the key's account may see",
  409: "the door is locked down",
  422: "it did not like the request",
  429: "too many requests; the gateway pauses",
  503: "its service is out of order",
};

const codes: Readonly<Record<string, string>> = {
  [controllerUnavailable]: "the door's controller is not connected",
  fad001: "the door is locked down",
  fad10e: "there is no lock of this lockId",
  fcd8ef: "the key's account has no access to this door",
};

/** Why a request came to nothing; for people and for the log. */
export function describe(answer: WebAnswer): string {
  if (answer.kind !== "answered") return `Kisi did not answer (${answer.why})`;
  const { status, body } = answer;
  if (status === 200) return "Kisi answered something that cannot be read";
  const known = codes[errorCode(body) ?? ""] ?? statuses[status];
  return `Kisi answered ${status}${known ? `: ${known}` : ""}`;
}

/** By the service's own word, and not that of something before it. */
export function isAbsent(answer: WebAnswer): boolean {
  return answer.kind === "answered" && answer.status === 404 && errorCode(answer.body) !== undefined;
}

/** A controller that the service itself does not reach has certainly not moved; any other 5xx says nothing. */
export function commandResult(answer: WebAnswer): CommandResult {
  const isUnreached = answer.kind === "answered" && errorCode(answer.body) === controllerUnavailable;
  return isUnreached ? "refused" : resultOf(answer);
}
