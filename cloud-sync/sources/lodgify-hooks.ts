/**
 * Word from Lodgify that a booking has changed (reference/upstreams.md §2.4): subscribed to by kind, each at an address of its own, because
 * Lodgify takes each once. It signs with a secret that it tells once, and forgets who does not answer; so this is looked at every day.
 */
import { z } from "zod";
import type { SourceHooks, Subscriptions } from "./booking-source.ts";
import type { SignatureRules } from "./hook-signature.ts";
import { type AskLodgify, parsed } from "./lodgify-api.ts";

export const lodgifyEvents = [
  "booking_new_status_booked",
  "booking_change",
  "booking_status_change_booked",
  "booking_status_change_declined",
  "booking_status_change_tentative",
  "booking_status_change_open",
] as const;

/** How it signs. */
export const lodgifySignature = {
  signature: "hmac",
  header: "ms-signature",
  prefix: "sha256=",
} as const satisfies SignatureRules;

const id = z.union([z.string().min(1).max(200), z.number()]).transform(String);
const listSchema = z
  .array(z.object({ id, url: z.string().nullish(), target_url: z.string().nullish() }))
  .nullish()
  .transform((all) => all ?? []);
const subscribedSchema = z.object({ id, secret: z.string().min(1).max(1_000) });

export function lodgifyHooks(ask: AskLodgify): SourceHooks {
  const unsubscribe = (one: string, signal: AbortSignal) =>
    ask({ method: "DELETE", path: "/webhooks/v1/unsubscribe", body: { id: one } }, signal);

  return {
    async keep(url, known, signal) {
      const answer = await ask({ path: "/webhooks/v1/list" }, signal);
      const listed = parsed(listSchema, answer, "its list of webhooks");
      const kept: Record<string, Subscriptions[string]> = {};
      for (const event of lodgifyEvents) {
        const target = `${url}/${event}`;
        const there = listed.find((one) => (one.target_url ?? one.url) === target);
        const own = known[event];
        if (there && own && own.id === there.id) {
          kept[event] = own;
          continue;
        }
        // Its secret is told once, and is not known here.
        if (there) await unsubscribe(there.id, signal);
        const body = { event, target_url: target };
        const made = await ask({ method: "POST", path: "/webhooks/v1/subscribe", body }, signal);
        kept[event] = parsed(subscribedSchema, made, "its answer to a subscription");
      }
      return kept;
    },

    async drop(known, signal) {
      for (const { id: one } of Object.values(known)) await unsubscribe(one, signal);
    },
  };
}

const word = z.object({ booking: z.object({ id: z.number().int() }) });
const words = z.union([word.transform((one) => [one]), z.array(word).max(20)]);

/** Ids of the bookings that it is about: one, or a list of one. Empty: it names none. */
export function bookingsOfWord(body: Uint8Array): string[] {
  try {
    const found = words.safeParse(JSON.parse(new TextDecoder().decode(body)));
    return found.success ? found.data.map(({ booking }) => `${booking.id}`) : [];
  } catch {
    return [];
  }
}
