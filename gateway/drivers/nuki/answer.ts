/** What became of one request to Nuki Web. Its errors are taken apart here: those of the libraries carry the token, and codes. */
import { GatewayError } from "../../errors.ts";
import type { CommandResult } from "../../ports/device.ts";

export type Answer =
  /** `body`: what JSON there was, undefined where there was none. */
  | { readonly kind: "answered"; readonly status: number; readonly body: unknown }
  /** It was sent, perhaps taken, and nobody knows. */
  | { readonly kind: "unanswered"; readonly why: string }
  /** It certainly did not arrive. */
  | { readonly kind: "unsent"; readonly why: string };

/** No connection came about, so nothing was sent. */
const noConnection = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTDOWN",
  "EHOSTUNREACH",
  "ENETDOWN",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Of a connection that failed: by the code of the error or of its cause alone. */
export function failedAnswer(error: unknown): Answer {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | undefined)?.cause) ?? "no answer";
  return { kind: noConnection.has(code) ? "unsent" : "unanswered", why: code };
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** 204 means that it waits to be told to the lock, no more. */
export function resultOf(answer: Answer): CommandResult {
  if (answer.kind === "unsent") return "refused";
  if (answer.kind === "unanswered") return "unknown";
  if (answer.status >= 200 && answer.status < 300) return "accepted";
  return answer.status >= 300 && answer.status < 500 ? "refused" : "unknown";
}

/** What the maker means by a status; the numbers alone help nobody who stands on site. */
const meaning: Readonly<Record<number, string>> = {
  400: "it did not like the request; for codes: no keypad is paired",
  401: "the token is wrong or was taken back: make a new one at web.nuki.io",
  402: "the account's plan does not include this",
  403: "the token's rights do not include this",
  404: "the account has no lock of this smartlockId",
  423: "the lock is busy with another change",
  429: "too many requests; the gateway pauses",
};

/** Why a read brought nothing; for people and for the log. */
export function describe(answer: Answer): string {
  if (answer.kind !== "answered") return `Nuki Web did not answer (${answer.why})`;
  if (answer.status === 200) return "Nuki Web answered something that cannot be read";
  const { [answer.status]: known } = meaning;
  return `Nuki Web answered ${answer.status}${known ? `: ${known}` : ""}`;
}

/** The body of a read. Throws `device-unreachable` or `device-refused`: nothing is known then. */
export function bodyOf(answer: Answer, what: string, smartlockId: number): unknown {
  if (answer.kind === "answered" && answer.status === 200) return answer.body;
  const code = answer.kind === "answered" ? "device-refused" : "device-unreachable";
  throw new GatewayError(code, `${what} of Nuki ${smartlockId} could not be read: ${describe(answer)}`, {
    smartlockId,
    ...(answer.kind === "answered" && { status: answer.status }),
  });
}
