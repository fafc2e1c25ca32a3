/**
 * How a message reaches a guest. A channel sends and tells what became of it; when it is tried again, and by which other way, is the job's
 * business (../jobs/tell-guests.ts).
 */
import type { Instant, Millis } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { MessageKind } from "../domain/guest-messages.ts";

export const channelNames = ["whatsapp", "sms", "mail", "lodgify"] as const;
export type ChannelName = (typeof channelNames)[number];

export interface GuestNote {
  /** The same at every attempt. */
  readonly id: string;
  readonly kind: MessageKind;
  /** E.164, an e-mail address, or what the channel itself has found. */
  readonly to: string;
  readonly language: string;
  readonly subject: string;
  readonly text: SecretString;
  /** What a template that somebody has approved is filled with, in its order: guest, property, from, until, link or code. */
  readonly values: readonly SecretString[];
  /** By the approved template; without: as the text stands. */
  readonly byTemplate: boolean;
}

/** `why`: for the log and the owner; no address, no number and nothing of the text. */
export type SendResult =
  /** The service has it. `ref`: what it calls it. */
  | { readonly outcome: "sent"; readonly ref: string | null }
  /** It certainly has not; it may do at another time, not before `afterMs`. */
  | { readonly outcome: "later"; readonly why: string; readonly afterMs?: Millis | undefined }
  /** It certainly has not, and takes it by an approved template alone. */
  | { readonly outcome: "template"; readonly why: string }
  /** It certainly has not, and will not. `operator`: somebody has to mend the settings. */
  | { readonly outcome: "never"; readonly why: string; readonly operator: boolean }
  /** It may have, or not: no answer came. */
  | { readonly outcome: "unknown"; readonly why: string };

/** "absent": it certainly does not have it · "unknown": it does not say. */
export type FoundNote = { readonly ref: string | null } | "absent" | "unknown";

export interface GuestChannel {
  readonly name: ChannelName;
  /** Once more is no second message: whoever gets it sees one. */
  readonly isRepeatable: boolean;
  /** It has an approved template for this kind, in the language or in English. */
  hasTemplate(kind: MessageKind, language: string): boolean;
  /** Always resolves; "unknown" once `signal` fires while it is under way. */
  send(note: GuestNote, signal: AbortSignal): Promise<SendResult>;
  /** Of one whose answer was lost, sent at `since` or later. Left out: nobody can say. Always resolves. */
  find?(note: GuestNote, since: Instant, signal: AbortSignal): Promise<FoundNote>;
}

/** Certainly not sent: no connection came about. */
const unconnected = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

/** What a request that ended without an answer means. */
export function unanswered(what: string, error: unknown): SendResult {
  const cause = (error as { readonly cause?: { readonly code?: unknown } }).cause?.code;
  const code = typeof cause === "string" ? cause : ((error as Error | undefined)?.name ?? "error");
  const outcome = unconnected.includes(code) ? "later" : "unknown";
  return { outcome, why: `${what}: no answer (${code})` };
}

const answerBytesMax = 256 * 1024;

/** The answer's JSON; undefined: it is none, or too long. */
export async function readJson({ body }: Response): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax) return undefined;
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Of a Retry-After in seconds. */
export function retryAfterMs(headers: Headers): Millis | undefined {
  const seconds = headers.get("retry-after");
  return seconds !== null && /^\d{1,5}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** What a service's error means. "recipient": this guest, by no way of it · "operator": nobody, until the settings are mended. */
export const errorClasses = ["recipient", "operator", "template", "later"] as const;
export type ErrorClass = (typeof errorClasses)[number];

export function resultOfClass(kind: ErrorClass, why: string, afterMs?: Millis): SendResult {
  switch (kind) {
    case "later":
      return { outcome: "later", why, afterMs };
    case "template":
      return { outcome: "template", why };
    case "recipient":
    case "operator":
      return { outcome: "never", why, operator: kind === "operator" };
  }
}

/** Names of approved templates, by kind and language. */
export type TemplateNames = Readonly<Partial<Record<MessageKind, Readonly<Record<string, string>>>>>;

/** In the language, or in English. */
export function templateOf(
  templates: TemplateNames,
  kind: MessageKind,
  language: string,
): { readonly name: string; readonly language: string } | undefined {
  const names = templates[kind];
  for (const one of [language, "en"]) {
    const name = names?.[one];
    if (name !== undefined) return { name, language: one };
  }
  return undefined;
}
