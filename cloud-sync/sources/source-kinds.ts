/** What a source of each kind is set up with, and how it is opened. Adding one is one entry here. */
import { z } from "zod";
import type { Millis } from "../../gateway/domain/instant.ts";
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { CloudParts } from "../cloud-parts.ts";
import { type BookingKind, bookingKinds } from "../domain/stay-planner.ts";
import { withinDeadline } from "../within-deadline.ts";
import type { BookingSource, SourceKind } from "./booking-source.ts";
import { calendarPlace } from "./calendar.ts";
import type { SignatureRules } from "./hook-signature.ts";
import { calendarAddress, ical } from "./ical.ts";
import { lodgify } from "./lodgify.ts";
import { type SentBookings, webhook } from "./webhook.ts";

/** Lodgify's way of signing, for instance: {"signature": "hmac", "header": "ms-signature", "prefix": "sha256="}. */
const hookOptions = z.strictObject({
  signature: z.enum(["standard", "hmac"]).default("standard"),
  header: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
    .default("x-signature"),
  prefix: z
    .string()
    .regex(/^[\x21-\x7e]{0,20}$/)
    .default(""),
  kind: z.enum(bookingKinds).default("stay"),
});

interface OpenWith {
  readonly key: SecretString;
  /** IANA, of the site. */
  readonly zone: string;
  /** As they were kept. */
  readonly options: unknown;
  /** What it has sent by itself. */
  readonly sent: () => SentBookings;
}

interface KindRules {
  readonly everyMinutes: { readonly usual: number; readonly least: number };
  /** Why the key is none; undefined: it may be one. */
  readonly keyProblem: (key: string, parts: CloudParts) => string | undefined;
  readonly place: RegExp;
  readonly placeProblem: string;
  readonly options: z.ZodType<Readonly<Record<string, unknown>>>;
  readonly open: (parts: CloudParts, wanted: OpenWith) => BookingSource;
}

const lodgifyOptions = z.strictObject({
  webhooks: z.boolean().default(false),
  signed: z.boolean().default(false),
  keyCodes: z.boolean().default(false),
});
const calendarOptions = z.strictObject({
  closedIsStay: z.boolean().default(true),
  hoursFromCalendar: z.boolean().default(false),
});

const kinds: Readonly<Record<SourceKind, KindRules>> = {
  lodgify: {
    everyMinutes: { usual: 60, least: 5 },
    keyProblem: (key) => (key.length <= 500 ? undefined : "is no key: 8 to 500 printable characters without spaces"),
    place: /^\d{1,12}(\/\d{1,12})?$/,
    placeProblem: "is no number of a flat, or of a flat and a room: 812, 812/44",
    options: lodgifyOptions,
    open: ({ clock, lodgifyUrl }, { key }) =>
      lodgify({ key, apiUrl: lodgifyUrl, rest: (ms, signal) => clock.sleep(ms, signal) }),
  },
  ical: {
    everyMinutes: { usual: 15, least: 2 },
    keyProblem: (key, { calendarOrigins }) =>
      calendarAddress(key, calendarOrigins) ? undefined : "is no export address of a calendar: https://…",
    place: new RegExp(`^${calendarPlace}$`),
    placeProblem: `a calendar is of one property: {"${calendarPlace}": "property-…"}`,
    options: calendarOptions,
    open: (parts, { key, zone, options }) =>
      ical({
        key,
        zone,
        origins: parts.calendarOrigins,
        within: <T>(ms: Millis, work: (signal: AbortSignal) => Promise<T>) => withinDeadline(parts, ms, work),
        ...calendarOptions.parse(options),
      }),
  },
  webhook: {
    everyMinutes: { usual: 1_440, least: 60 },
    keyProblem: (key) =>
      key.length >= 16 && key.length <= 500 ? undefined : "is no secret: 16 to 500 printable characters without spaces",
    place: /^[^\p{C}]{1,200}$/u,
    placeProblem: "has characters that cannot be printed",
    options: hookOptions,
    open: (_, { sent }) => webhook(sent()),
  },
};

export function signatureRules(options: unknown): SignatureRules {
  return hookOptions.parse(options);
}

/** What its new bookings are. */
export function bookingKindOf({ kind, options }: { readonly kind: SourceKind; readonly options: string }): BookingKind {
  return kind === "webhook" ? hookOptions.parse(JSON.parse(options)).kind : "stay";
}

export function rulesOf(kind: SourceKind): Omit<KindRules, "open"> {
  return kinds[kind];
}

export function openKind(parts: CloudParts, kind: SourceKind, wanted: OpenWith): BookingSource {
  return kinds[kind].open(parts, wanted);
}
