/**
 * Messages to guests by Lodgify's API v1, which reaches those whose address a booking site hides (reference/upstreams.md §2.3). It answers 200
 * always: the body "null" alone is success. One id is taken once, so that a second attempt is no second message.
 */
import { z } from "zod";
import type { SecretString } from "../../gateway/wire/secret.ts";
import { uuidOf } from "../ids.ts";
import { type FoundNote, type GuestChannel, readJson, type SendResult, unanswered } from "./guest-channel.ts";

export interface LodgifyMessagesOptions {
  readonly key: SecretString;
  /** Unset: Lodgify's own. */
  readonly apiUrl?: string | undefined;
}

const what = "Lodgify";

const bookingSchema = z.looseObject({ thread_uid: z.string().min(1).max(100).nullish() });
const threadsSchema = z.array(
  z.looseObject({
    messages: z
      .array(z.looseObject({ message_id: z.string().nullish(), message_status: z.string().nullish() }))
      .nullish(),
  }),
);

/** A note's `to`: Lodgify's number of the booking. */
export function lodgifyMessages({ key, apiUrl = "https://api.lodgify.com" }: LodgifyMessagesOptions): GuestChannel {
  const headers = () => ({ "x-apikey": key.reveal(), accept: "application/json" });
  const get = async (path: string, signal: AbortSignal) => {
    const response = await fetch(`${apiUrl}${path}`, { redirect: "manual", signal, headers: headers() });
    const answer = await readJson(response);
    return response.status === 200 ? answer : undefined;
  };

  async function find(id: string, booking: string, signal: AbortSignal): Promise<FoundNote | "failed"> {
    try {
      const thread = bookingSchema.safeParse(await get(`/v2/reservations/bookings/${booking}`, signal)).data
        ?.thread_uid;
      if (!thread) return "unknown";
      const threads = threadsSchema.safeParse(await get(`/v2/messaging/${encodeURIComponent(thread)}`, signal));
      if (!threads.success) return "unknown";
      const all = threads.data.flatMap(({ messages }) => messages ?? []);
      const found = all.find((one) => one.message_id?.toLowerCase() === uuidOf(id));
      if (!found) return "absent";
      return found.message_status === "Failed" ? "failed" : { ref: uuidOf(id) };
    } catch {
      return "unknown";
    }
  }

  return {
    name: "lodgify",
    isRepeatable: true,
    hasTemplate: () => false,

    async send({ id, to, subject, text }, signal): Promise<SendResult> {
      try {
        const message = {
          subject,
          message: text.reveal(),
          type: "Owner",
          send_notification: true,
          message_id: uuidOf(id),
        };
        const response = await fetch(`${apiUrl}/v1/reservation/booking/${to}/messages`, {
          method: "POST",
          redirect: "manual",
          signal,
          headers: { ...headers(), "content-type": "application/json" },
          body: JSON.stringify([message]),
        });
        const { status } = response;
        const answer = await readJson(response);
        if (status === 200 && answer === null) return { outcome: "sent", ref: uuidOf(id) };
        if (status === 401 || status === 403)
          return { outcome: "never", why: `${what}: the key is not taken (${status})`, operator: true };
        if (status === 429 || status >= 500) return { outcome: "later", why: `${what} ${status}` };
        // It says the same of an id it has taken before, and of a booking that takes none.
        const found = await find(id, to, signal);
        if (typeof found === "object") return { outcome: "sent", ref: found.ref };
        if (found === "unknown") return { outcome: "later", why: `${what} ${status}: not taken` };
        return { outcome: "never", why: `${what} ${status}: not taken`, operator: false };
      } catch (error) {
        return unanswered(what, error);
      }
    },

    async find({ id, to }, _since, signal) {
      const found = await find(id, to, signal);
      return found === "failed" ? "absent" : found;
    },
  };
}
