/** A community's app that gets its notices by OneSignal, where its people are known by their ids here ("external_id"). */
import { z } from "zod";
import { isPlainText } from "../../gateway/wire/gateway-api.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { uuidOf } from "../ids.ts";
import { type AppChannel, type PushNotice, type PushResult, resultOf, ttlOf, unreached } from "./push.ts";

export interface OneSignalOptions {
  readonly appId: string;
  /** REST API key. */
  readonly key: SecretString;
  /** Where the pages are reached: a tap opens one. Unset: a tap opens the app alone. */
  readonly publicUrl?: string | undefined;
  /** Unset: OneSignal's own. */
  readonly apiUrl?: string | undefined;
}

const what = "OneSignal";
const answerBytesMax = 64 * 1024;

const answerSchema = z.looseObject({ id: z.string().optional(), errors: z.unknown().optional() });

export function oneSignal({
  appId,
  key,
  publicUrl,
  apiUrl = "https://api.onesignal.com",
}: OneSignalOptions): AppChannel {
  return {
    async send(person, notice, signal) {
      try {
        const response = await fetch(`${apiUrl}/notifications`, {
          method: "POST",
          redirect: "manual",
          signal,
          headers: { authorization: `Key ${key.reveal()}`, "content-type": "application/json" },
          body: JSON.stringify(messageOf(appId, person, notice, publicUrl)),
        });
        return toResult(response, await readAnswer(response));
      } catch (error) {
        return unreached(what, error);
      }
    },
  };
}

function messageOf(appId: string, person: string, notice: PushNotice, publicUrl: string | undefined) {
  const { id, title, body, path, answers, language } = notice;
  // English is asked for always; who reads another language has it under that.
  const inLanguage = (text: string) => ({ en: text, [language]: text });
  return {
    app_id: appId,
    target_channel: "push",
    include_aliases: { external_id: [person] },
    headings: inLanguage(title),
    contents: inLanguage(body),
    data: { path },
    ...(answers && { buttons: answers.map(({ action, title: text }) => ({ id: action, text })) }),
    ...(publicUrl !== undefined && { url: publicUrl + path }),
    ttl: ttlOf(notice),
    idempotency_key: uuidOf(id),
  };
}

/** 200 alone is no success: without an id nobody was told. */
function toResult({ status, headers }: Response, text: string): PushResult {
  const answer = answerOf(text);
  if (status === 200) {
    if (!answer) return { outcome: "later", why: `${what}: an answer that is none` };
    return answer.id ? { outcome: "sent" } : { outcome: "gone", why: `${what}: nobody has its app` };
  }
  const result = resultOf(what, status, headers);
  const said = answer && firstError(answer.errors);
  return result.outcome === "never" && said !== undefined ? { ...result, why: `${result.why}: ${said}` } : result;
}

function answerOf(text: string) {
  try {
    const parsed = answerSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Whoever runs the service mends the settings by it. */
function firstError(errors: unknown): string | undefined {
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return typeof first === "string" && isPlainText(first) ? first.slice(0, 200) : undefined;
}

async function readAnswer({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body ?? []) {
    bytes += piece.length;
    if (bytes > answerBytesMax) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
