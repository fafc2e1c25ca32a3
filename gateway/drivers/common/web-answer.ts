/** What became of one request to a maker's web service. Errors are taken apart here: those of libraries carry tokens, and codes. */
import type { CommandResult } from "../../ports/device.ts";

export type WebAnswer =
  | {
      readonly kind: "answered";
      readonly status: number;
      /** What JSON there was, undefined where there was none. */
      readonly body: unknown;
      /** It was a page for people, as what stands before a service answers with. */
      readonly isPage?: boolean;
      /** By their names in small letters. */
      readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
    }
  /** It was sent, perhaps taken, and nobody knows. */
  | { readonly kind: "unanswered"; readonly why: string }
  /** It certainly did not arrive. `isUnknown`: the service does not take what the account proves itself by. */
  | { readonly kind: "unsent"; readonly why: string; readonly isUnknown?: boolean };

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
export function failedAnswer(error: unknown): WebAnswer {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | undefined)?.cause) ?? "no answer";
  return { kind: noConnection.has(code) ? "unsent" : "unanswered", why: code };
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

/** The account's secrets are wrong, or were taken back: a person has to give others. */
export function isUnknownAccount(answer: WebAnswer): boolean {
  return answer.kind === "answered" ? answer.status === 401 : answer.kind === "unsent" && answer.isUnknown === true;
}

/** A success of the service means that it has taken the command, no more. */
export function resultOf(answer: WebAnswer): CommandResult {
  if (answer.kind === "unsent") return "refused";
  if (answer.kind === "unanswered") return "unknown";
  if (answer.status >= 200 && answer.status < 300) return "accepted";
  return answer.status >= 300 && answer.status < 500 ? "refused" : "unknown";
}
