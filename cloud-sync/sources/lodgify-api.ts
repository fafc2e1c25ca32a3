/** How Lodgify is asked: JSON over HTTPS, again after an answer that may be another later where asking twice is asking once. */
import type { z } from "zod";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { SourceError } from "./booking-source.ts";

export interface LodgifyOptions {
  readonly key: SecretString;
  /** Unset: Lodgify's own. */
  readonly apiUrl?: string | undefined;
  /** Resolves after so long, or rejects when the signal fires. */
  readonly rest: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface LodgifyRequest {
  /** Left out: GET. */
  readonly method?: "PUT" | "POST" | "DELETE";
  /** From the host on. */
  readonly path: string;
  /** What is written as JSON. */
  readonly body?: unknown;
}

/** Answers what was answered, undefined for 404. Rejects with a SourceError. */
export type AskLodgify = (request: LodgifyRequest, signal: AbortSignal) => Promise<unknown>;

const answerBytesMax = 4 * 1024 * 1024;
const requestWithinMs = 20_000;
const pausesMs = [1_000, 2_000, 4_000, 8_000] as const;
const pauseMsMax = 30_000;

/** Asks no more than five times; what must not happen twice once. */
export function lodgifyApi({ key, apiUrl = "https://api.lodgify.com", rest }: LodgifyOptions): AskLodgify {
  return async (request, signal) => {
    const isRepeatable = request.method === undefined || request.method === "PUT";
    for (const pauseMs of isRepeatable ? [...pausesMs, undefined] : [undefined]) {
      const answer = await askOnce(apiUrl, key, request, signal);
      if ("json" in answer) return answer.json;
      if (pauseMs === undefined || !answer.again)
        throw new SourceError(`Lodgify: ${answer.why}`, { retry: answer.again });
      await rest(Math.min(Math.max(pauseMs, answer.afterMs ?? 0), pauseMsMax), signal);
    }
    return undefined;
  };
}

type Answer = { readonly json: unknown } | { readonly why: string; readonly again: boolean; readonly afterMs?: number };

async function askOnce(
  apiUrl: string,
  key: SecretString,
  { method = "GET", path, body }: { readonly method?: string; readonly path: string; readonly body?: unknown },
  signal: AbortSignal,
): Promise<Answer> {
  const late = AbortSignal.timeout(requestWithinMs);
  try {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        "x-apikey": key.reveal(),
        accept: "application/json",
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: "manual",
      signal: AbortSignal.any([signal, late]),
    });
    const { status, headers } = response;
    if (status === 404) {
      await response.body?.cancel();
      return { json: undefined };
    }
    if (status >= 200 && status < 300) {
      const text = await readBounded(response);
      return { json: text === "" && method !== "GET" ? null : JSON.parse(text) };
    }
    await response.body?.cancel();
    if (status === 401 || status === 403)
      return { why: `the key is not taken (${status}): give it another`, again: false };
    const seconds = Number(headers.get("retry-after"));
    const afterMs = Number.isFinite(seconds) && seconds > 0 ? { afterMs: seconds * 1_000 } : {};
    return { why: `answers ${status}`, again: status === 429 || status >= 500, ...afterMs };
  } catch (error) {
    signal.throwIfAborted();
    const isNoJson = error instanceof SyntaxError;
    return { why: isNoJson ? "what came is not whole" : "no answer", again: true };
  }
}

async function readBounded(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax) throw new SyntaxError("too long");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Throws a SourceError that names the field. `what`: as in "its list". */
export function parsed<T extends z.ZodType>(schema: T, value: unknown, what: string): z.infer<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const field = result.error.issues[0]?.path.join(".");
  throw new SourceError(`Lodgify: ${what} is not as it should be (${field || "all of it"})`, { retry: true });
}
