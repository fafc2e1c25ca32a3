/** What a program sends of a booking, in our own words: see docs/hooks.md. */
import { z } from "zod";
import type { Instant } from "../../gateway/domain/instant.ts";
import { isPlainText } from "../../gateway/wire/gateway-api.ts";
import { bookingStatuses } from "../domain/stay-planner.ts";
import type { SourceBooking } from "./booking-source.ts";

const words = (max: number) =>
  z.string().trim().min(1).max(max).refine(isPlainText, "has characters that cannot be printed");
const day = z.iso.date("is no day: 2031-03-04");
const hour = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, "is no time of day: 15:00")
  .nullish();

const guest = z.object({
  name: words(200),
  email: words(320).nullish(),
  phone: words(40).nullish(),
  language: z
    .string()
    .regex(/^[a-z]{2}$/, "is no language of two letters: es")
    .nullish(),
});

const facts = {
  id: words(200),
  occurred_at: z.iso.datetime({ offset: true, error: "is no moment with an offset: 2031-03-04T15:00:00Z" }),
};
const version = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullish();

export const messageSchema = z.discriminatedUnion("type", [
  z.object({
    ...facts,
    type: z.literal("booking.upsert"),
    booking: z
      .object({
        external_id: words(200),
        property: words(100),
        unit: words(99).nullish(),
        arrival: day,
        departure: day,
        check_in: hour,
        check_out: hour,
        status: z.enum(bookingStatuses),
        guest,
        version,
      })
      .refine(({ arrival, departure }) => arrival < departure, {
        path: ["departure"],
        message: "is not after arrival",
      }),
  }),
  z.object({ ...facts, type: z.literal("booking.cancel"), booking: z.object({ external_id: words(200), version }) }),
]);
export type HookMessage = z.infer<typeof messageSchema>;

/** When something was said: by the sender's count of the booking's versions where both have one, else by the sender's clock. */
export interface Said {
  readonly version: number | null;
  readonly occurredAt: Instant | null;
}

export function saidOf({ occurred_at, booking }: HookMessage): {
  readonly version: number | null;
  readonly occurredAt: Instant;
} {
  return { version: booking.version ?? null, occurredAt: Temporal.Instant.from(occurred_at).epochMilliseconds };
}

export function isOlder(a: Said, than: Said): boolean {
  if (a.version !== null && than.version !== null) return a.version < than.version;
  return (a.occurredAt ?? 0) < (than.occurredAt ?? 0);
}

/** `before`: what is known of it. undefined: it is cancelled, and nothing was known of it. */
export function toSourceBooking(message: HookMessage, before: SourceBooking | undefined): SourceBooking | undefined {
  if (message.type === "booking.cancel") return before && { ...before, status: "cancelled" };
  const {
    external_id: externalId,
    property,
    unit,
    arrival,
    departure,
    check_in,
    check_out,
    status,
    guest,
  } = message.booking;
  const { name, phone = null, email = null, language = null } = guest;
  return {
    externalId,
    places: unit == null ? [property] : [`${property}/${unit}`, property],
    status,
    days: { arrival, departure, checkIn: check_in ?? null, checkOut: check_out ?? null },
    guest: { name, phone, email, language },
  };
}
