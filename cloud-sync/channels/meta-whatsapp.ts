/**
 * WhatsApp by Meta's own Cloud API (reference/upstreams.md §5). It knows no idempotency key and tells nobody what it has: a message whose
 * answer was lost stays unknown. What a stay is about is a "utility" template; one for log-in codes would take no link.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { DeliveryWord } from "../domain/delivery.ts";
import {
  type GuestChannel,
  type GuestNote,
  readJson,
  resultOfClass,
  retryAfterMs,
  type SendResult,
  type TemplateNames,
  templateOf,
  unanswered,
} from "./guest-channel.ts";
import { classOfMeta, samePairMs } from "./meta-errors.ts";

export interface MetaOptions {
  readonly phoneNumberId: string;
  /** A system user's. */
  readonly token: SecretString;
  /** "v25.0" */
  readonly version: string;
  /** Names of approved templates. */
  readonly templates: TemplateNames;
  /** Unset: Meta's own. */
  readonly apiUrl?: string | undefined;
}

const what = "Meta";
const textMax = 1_024;

const sentSchema = z.looseObject({ messages: z.array(z.looseObject({ id: z.string().min(1).max(512) })).min(1) });
const errorSchema = z.looseObject({ error: z.looseObject({ code: z.number().int() }) });

export function metaChannel({
  phoneNumberId,
  token,
  version,
  templates,
  apiUrl = "https://graph.facebook.com",
}: MetaOptions): GuestChannel {
  const url = `${apiUrl}/${version}/${phoneNumberId}/messages`;
  return {
    name: "whatsapp",
    isRepeatable: false,
    hasTemplate: (kind, language) => templateOf(templates, kind, language) !== undefined,

    async send(note, signal): Promise<SendResult> {
      try {
        const response = await fetch(url, {
          method: "POST",
          redirect: "manual",
          signal,
          headers: { authorization: `Bearer ${token.reveal()}`, "content-type": "application/json" },
          body: JSON.stringify(bodyOf(note, templates)),
        });
        const answer = await readJson(response);
        const code = errorSchema.safeParse(answer).data?.error.code;
        if (code === undefined && response.status === 200) {
          const ref = sentSchema.safeParse(answer).data?.messages[0]?.id;
          return ref === undefined
            ? { outcome: "unknown", why: `${what}: an answer that is none` }
            : { outcome: "sent", ref };
        }
        const why = `${what} ${response.status}${code === undefined ? "" : `: ${code}`}`;
        const afterMs = code === 131056 ? samePairMs : retryAfterMs(response.headers);
        return resultOfClass(classOfMeta(code, response.status), why, afterMs);
      } catch (error) {
        return unanswered(what, error);
      }
    },
  };
}

function bodyOf({ to, text, kind, language, byTemplate, values }: GuestNote, templates: TemplateNames) {
  const template = byTemplate ? templateOf(templates, kind, language) : undefined;
  // Digits alone, without the plus.
  const base = { messaging_product: "whatsapp", recipient_type: "individual", to: to.slice(1) };
  if (!template) return { ...base, type: "text", text: { body: text.reveal(), preview_url: false } };
  const parameters = values.map((value) => ({ type: "text", text: value.reveal().slice(0, textMax) }));
  return {
    ...base,
    type: "template",
    template: {
      name: template.name,
      language: { code: template.language },
      components: [{ type: "body", parameters }],
    },
  };
}

/** What one message of a webhook came to. */
export interface MetaStatus {
  readonly ref: string;
  readonly word: DeliveryWord;
  readonly code: number | undefined;
}

const hookSchema = z.looseObject({
  entry: z
    .array(
      z.looseObject({
        changes: z
          .array(z.looseObject({ value: z.looseObject({ statuses: z.array(z.unknown()).max(1_000).optional() }) }))
          .max(1_000),
      }),
    )
    .max(1_000),
});
const statusSchema = z.looseObject({
  id: z.string().min(1).max(512),
  status: z.enum(["sent", "delivered", "read", "failed"]),
  errors: z.array(z.looseObject({ code: z.number().int() })).optional(),
});

/** The statuses in a webhook's body; what else is in it, and of a newer kind, is left out. */
export function metaStatuses(body: unknown): MetaStatus[] {
  const hook = hookSchema.safeParse(body);
  if (!hook.success) return [];
  const all = hook.data.entry.flatMap(({ changes }) => changes.flatMap(({ value }) => value.statuses ?? []));
  return all.flatMap((one) => {
    const { success, data } = statusSchema.safeParse(one);
    return success ? [{ ref: data.id, word: data.status, code: data.errors?.[0]?.code }] : [];
  });
}

/** `header`: "sha256=<hex>" over the bytes as they came. */
export function isMetas(header: string, appSecret: SecretString, body: Uint8Array): boolean {
  const right = createHmac("sha256", appSecret.reveal()).update(body).digest();
  const given = /^sha256=([0-9a-f]{64})$/i.exec(header)?.[1];
  return given !== undefined && timingSafeEqual(Buffer.from(given, "hex"), right);
}
