/** One line of the journal. Events are numbered, chained and told to the cloud; the other kinds matter to this gateway alone. */
import type { AccessPointId } from "./access-point.ts";
import type { DeviceOrigin, EntryEvent } from "./entry-event.ts";
import type { FeedPage } from "./feed.ts";
import type { Instant } from "./instant.ts";

export type JournalRecord =
  | { readonly kind: "event"; readonly event: EntryEvent }
  /** A feed page and the cursor after it in one record, so that data and cursor cannot be separated. */
  | { readonly kind: "page"; readonly page: FeedPage; readonly at: Instant }
  /** The cloud has every event below `next`. */
  | { readonly kind: "acknowledged"; readonly next: number }
  /** A press was taken in: repeats of it are dropped, and an event that names it (`press`) says what became of it. */
  | { readonly kind: "seen"; readonly origin: DeviceOrigin; readonly accessPoint: AccessPointId | null }
  /**
   * Every few minutes: the time's high-water mark, and when the last complete poll was asked. `borneOut`: a server has told the time since
   * the start, and it agrees. `setsBack`: what was written down beyond that was a mistake of this machine's own clock.
   */
  | {
      readonly kind: "tick";
      readonly at: Instant;
      readonly syncedAt: Instant | null;
      readonly borneOut?: boolean;
      readonly setsBack?: boolean;
    };
