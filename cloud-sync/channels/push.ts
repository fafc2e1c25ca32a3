/** How a notice reaches somebody's browser or app. A channel sends and tells what became of it; that it is tried again is the outbox's business. */
import type { Millis } from "../../gateway/domain/instant.ts";

export interface PushNotice {
  /** The same at every attempt, so that one that arrives twice is seen to be one. */
  readonly id: string;
  readonly title: string;
  readonly body: string;
  /** Path of the page that a tap opens. */
  readonly path: string;
  /** Path of a photo, for whoever is signed in; undefined: there is none. */
  readonly photo?: string | undefined;
  /** It is worth nothing later; left out: for a day. */
  readonly lifeMs?: Millis | undefined;
  /** What can be answered without opening the page: it is sent there, as the page's form would. */
  readonly answers?: readonly { readonly action: string; readonly title: string }[] | undefined;
  /** ISO 639-1, of the words. */
  readonly language: string;
}

/** `why`: for the log; no address of a browser and nothing of the text. */
export type PushResult =
  | { readonly outcome: "sent" }
  /** Whoever it was for is not there any more: the subscription has ended, or the app knows nobody of this id. */
  | { readonly outcome: "gone"; readonly why: string }
  /** It may do at another time, not before `afterMs`. */
  | { readonly outcome: "later"; readonly why: string; readonly afterMs?: Millis | undefined }
  /** It was refused for good. */
  | { readonly outcome: "never"; readonly why: string };

const usualLifeMs: Millis = 24 * 3_600_000;

/** For how many seconds a phone that is off is waited for. */
export function ttlOf({ lifeMs = usualLifeMs }: PushNotice): number {
  return Math.max(1, Math.round(lifeMs / 1_000));
}

/** A community's own app, in which people are known by their ids here. */
export interface AppChannel {
  /** Always resolves; "later" once `signal` fires. */
  send(person: string, notice: PushNotice, signal: AbortSignal): Promise<PushResult>;
}

/** What an answer of this status means to whoever sent. `what`: begins the reason. */
export function resultOf(what: string, status: number, headers: Headers): PushResult {
  const why = `${what} ${status}`;
  if (status >= 200 && status < 300) return { outcome: "sent" };
  if (status === 429 || status >= 500) return { outcome: "later", why, afterMs: retryAfterMs(headers) };
  return { outcome: "never", why };
}

/** Of a Retry-After in seconds; one that names a day is left to the usual pauses. */
function retryAfterMs(headers: Headers): Millis | undefined {
  const seconds = headers.get("retry-after");
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** A connection that broke, or a deadline that passed; the error's text may hold the address. */
export function unreached(what: string, error: unknown): PushResult {
  const cause = (error as { readonly cause?: { readonly code?: unknown } }).cause?.code;
  const code = typeof cause === "string" ? cause : ((error as Error | undefined)?.name ?? "error");
  return { outcome: "later", why: `${what}: no answer (${code})` };
}
