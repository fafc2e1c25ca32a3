/** What every source of bookings is to the rest: it reads, and tells what it read or why it could not. It changes nothing here. */
import type { SecretString } from "../../gateway/wire/secret.ts";
import type { BookingName } from "../domain/recognise-bookings.ts";
import type { Guest } from "../domain/reconcile-bookings.ts";
import type { BookingStatus, StayDays } from "../domain/stay-planner.ts";

export const sourceKinds = ["lodgify", "ical", "webhook"] as const;
export type SourceKind = (typeof sourceKinds)[number];

/** A booking as its source has it now. */
export interface SourceBooking extends BookingName {
  readonly externalId: string;
  /** What the source calls what was booked, from the narrowest to the widest: "812/44", "812". */
  readonly places: readonly string[];
  /** undefined: a word that this version does not know; nothing follows from it. */
  readonly status: BookingStatus | undefined;
  readonly days: StayDays;
  readonly guest: Guest;
  /** The same for the rooms of one booking; left out: it is of one. */
  readonly group?: string | undefined;
  /** Its source says the same of a stay and of days that are merely closed. */
  readonly mayBeBlock?: boolean | undefined;
}

export interface Reading {
  readonly bookings: readonly SourceBooking[];
  /** Names of what is there and tells nothing: a booking known by one of them is not gone. */
  readonly alsoThere?: readonly string[] | undefined;
  /** For the next reading: what has not changed need not come again. At most 2,000 characters. */
  readonly mark?: string | undefined;
  /** What is not in it is not gone. */
  readonly isPartial?: boolean | undefined;
}

/** A flat or room that can be booked there. */
export interface SourcePlace {
  readonly id: string;
  readonly name: string;
}

/** What a source sends of itself, and signs, by the word it is asked to send. */
export type Subscriptions = Readonly<Record<string, { readonly id: string; readonly secret: string }>>;

/** A source that sends word when a booking changes. What the word says of it is not believed: the booking is asked for. */
export interface SourceHooks {
  /** It sends to `url`, behind which each kind of word has a path of its own. `known`: as it was left. Answers how it is now. */
  keep(url: string, known: Subscriptions, signal: AbortSignal): Promise<Subscriptions>;
  /** It sends no more. */
  drop(known: Subscriptions, signal: AbortSignal): Promise<void>;
}

export interface BookingSource {
  /** Absent: it sends none. */
  readonly hooks?: SourceHooks;
  /** The digits stand beside the booking then, for the source's own messages; false: they did already. Rejects with a SourceError. */
  writeCode?(externalId: string, digits: SecretString, signal: AbortSignal): Promise<boolean>;
  /** All that have not ended. undefined: nothing has changed since `mark`. Rejects with a SourceError when any part of it could not be read. */
  readAll(signal: AbortSignal, mark: string | null): Promise<Reading | undefined>;
  /** All rooms of it; none: the source says that there is no such booking. Rejects with a SourceError. Absent where a list is all there is. */
  readOne?(externalId: string, signal: AbortSignal): Promise<readonly SourceBooking[]>;
  /** For whoever says which of them is which property. */
  readPlaces(signal: AbortSignal): Promise<readonly SourcePlace[]>;
}

/** `retry`: false when somebody must do something first. The message is for the owner and holds no secret. */
export class SourceError extends Error {
  readonly retry: boolean;

  constructor(message: string, { retry, cause }: { readonly retry: boolean; readonly cause?: unknown }) {
    super(message, { cause });
    this.name = "SourceError";
    this.retry = retry;
  }
}
