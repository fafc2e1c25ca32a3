/**
 * SMS and WhatsApp by Twilio (reference/upstreams.md §4): its own client is left out, because its host cannot be set and sixty lines do.
 * Twilio knows no idempotency key: one whose answer was lost is looked for by its recipient before it is sent again.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Millis } from "../../gateway/domain/instant.ts";
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
import { classOfTwilio } from "./twilio-errors.ts";

export interface TwilioOptions {
  /** "AC…" */
  readonly accountSid: string;
  readonly authToken: SecretString;
  /** Who it is from: E.164, a name, or the id of a messaging service ("MG…"). */
  readonly from: string;
  /** Ids of approved templates ("HX…"). */
  readonly templates: TemplateNames;
  /** Where Twilio tells what became of a message; undefined: nobody reaches this service from outside. */
  readonly callbackUrl: (message: string) => string | undefined;
  /** Unset: Twilio's own. */
  readonly apiUrl?: string | undefined;
}

const what = "Twilio";
/** A message about a door that is two hours late is none. */
const queuedSecondsMax = 3_600;
/** Its dates are of its clock; one to the same number that is as near, and another, only leaves it unknown. */
const clocksApartMs: Millis = 10 * 60_000;

const messageSchema = z.looseObject({ sid: z.string().min(1).max(64) });
const errorSchema = z.looseObject({ code: z.number().int() });
const listSchema = z.looseObject({
  messages: z.array(
    z.looseObject({ sid: z.string(), to: z.string(), body: z.string().nullish(), date_created: z.string() }),
  ),
});

export function twilioChannel(name: "sms" | "whatsapp", options: TwilioOptions): GuestChannel {
  const { accountSid, authToken, from, templates, callbackUrl, apiUrl = "https://api.twilio.com" } = options;
  const messages = `${apiUrl}/2010-04-01/Accounts/${accountSid}/Messages.json`;
  const headers = () => ({
    authorization: `Basic ${Buffer.from(`${accountSid}:${authToken.reveal()}`).toString("base64")}`,
  });
  const address = (number: string) => (name === "whatsapp" ? `whatsapp:${number}` : number);

  function formOf(note: GuestNote): URLSearchParams {
    const { to, text, kind, language, byTemplate, values, id } = note;
    const template = byTemplate ? templateOf(templates, kind, language) : undefined;
    const filling = Object.fromEntries(values.map((value, index) => [`${index + 1}`, value.reveal()]));
    const callback = callbackUrl(id);
    return new URLSearchParams({
      To: address(to),
      ...(from.startsWith("MG") ? { MessagingServiceSid: from } : { From: address(from) }),
      ...(template
        ? { ContentSid: template.name, ContentVariables: JSON.stringify(filling) }
        : { Body: text.reveal() }),
      ...(callback !== undefined && { StatusCallback: callback }),
      ValidityPeriod: `${queuedSecondsMax}`,
    });
  }

  return {
    name,
    isRepeatable: false,
    hasTemplate: (kind, language) => name === "whatsapp" && templateOf(templates, kind, language) !== undefined,

    async send(note, signal): Promise<SendResult> {
      try {
        const response = await fetch(messages, {
          method: "POST",
          redirect: "manual",
          signal,
          headers: headers(),
          body: formOf(note),
        });
        const answer = await readJson(response);
        if (response.status === 201) {
          const { success, data } = messageSchema.safeParse(answer);
          return success
            ? { outcome: "sent", ref: data.sid }
            : { outcome: "unknown", why: `${what}: an answer that is none` };
        }
        const code = errorSchema.safeParse(answer).data?.code;
        const why = `${what} ${response.status}${code === undefined ? "" : `: ${code}`}`;
        return resultOfClass(classOfTwilio(code, response.status), why, retryAfterMs(response.headers));
      } catch (error) {
        return unanswered(what, error);
      }
    },

    async find({ to, text, byTemplate }, since, signal) {
      try {
        const earliest = since - clocksApartMs;
        // The newest come first. One that waits in its queue has no date of sending, so none is asked for.
        const query = new URLSearchParams({ To: address(to), PageSize: "50" });
        const response = await fetch(`${messages}?${query}`, { redirect: "manual", signal, headers: headers() });
        const { success, data } = listSchema.safeParse(await readJson(response));
        if (response.status !== 200 || !success) return "unknown";
        const recent = data.messages.filter(
          (one) => one.to === address(to) && Date.parse(one.date_created) >= earliest,
        );
        const ours = recent.find(({ body }) => byTemplate || body === text.reveal());
        if (ours) return { ref: ours.sid };
        // The words may have been changed since: better never twice.
        return recent.length > 0 ? "unknown" : "absent";
      } catch {
        return "unknown";
      }
    },
  };
}

/** What a callback's "MessageStatus" says; undefined: nothing that matters here. */
export function twilioWord(status: string): DeliveryWord | undefined {
  const words: Readonly<Record<string, DeliveryWord>> = {
    sent: "sent",
    delivered: "delivered",
    partially_delivered: "delivered",
    read: "read",
    undelivered: "failed",
    failed: "failed",
    canceled: "failed",
  };
  return Object.hasOwn(words, status) ? words[status] : undefined;
}

/** base64 HMAC-SHA1 over the address as Twilio was given it and each field's name and value, by name. */
export function twilioSignature(authToken: SecretString, url: string, fields: URLSearchParams): string {
  const named = [...fields].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const text = url + named.map(([name, value]) => name + value).join("");
  return createHmac("sha1", authToken.reveal()).update(text, "utf8").digest("base64");
}

export function isTwilios(signature: string, authToken: SecretString, url: string, fields: URLSearchParams): boolean {
  const [given, right] = [Buffer.from(signature), Buffer.from(twilioSignature(authToken, url, fields))];
  return given.length === right.length && timingSafeEqual(given, right);
}
