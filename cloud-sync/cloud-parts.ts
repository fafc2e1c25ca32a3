/** What the service is built from. Nothing in it is global: a test or a simulation builds as many as it likes. */
import type { Retention } from "../config/schema.ts";
import type { Clock } from "../gateway/ports/clock.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import type { HashCost } from "../gateway/wire/password-hash.ts";
import type { GuestServices } from "./channels/guest-services.ts";
import type { MailChannel } from "./channels/mail.ts";
import type { AppChannel } from "./channels/push.ts";
import type { SiteKeys } from "./store/site-keys.ts";
import type { Store } from "./store/store.ts";

export interface CloudParts {
  readonly store: Store;
  readonly siteKeys: SiteKeys;
  readonly clock: Clock;
  readonly logger: Logger;
  /** SHA-256 of each administrator's token given from outside, base64url; there may be one in the store besides. */
  readonly adminTokenHashes: readonly string[];
  /** Where people reach the pages, as in the links they are sent; unset: where the request came to. */
  readonly publicUrl?: string | undefined;
  /** Addresses and networks of the proxies in front, which say whom they were asked by; unset: there are none. */
  readonly trustedProxies?: readonly string[] | undefined;
  /** Unset: what this version holds for right. */
  readonly passwordCost?: HashCost | undefined;
  /** Unset: the configuration's defaults. */
  readonly retention?: Retention | undefined;
  /** Unset: none is sent. */
  readonly mail?: MailChannel | undefined;
  /** How guests are told on their telephones; unset: by mail and Lodgify alone. */
  readonly guests?: GuestServices | undefined;
  /** A community's own app; unset: there is none. */
  readonly app?: AppChannel | undefined;
  /** Origins of push services besides the browsers' own; unset: none. */
  readonly pushServices?: readonly string[] | undefined;
  /** Where Lodgify is reached; unset: where it is. */
  readonly lodgifyUrl?: string | undefined;
  /** Origins of calendars that may be on a private network and without TLS; unset: none. */
  readonly calendarOrigins?: readonly string[] | undefined;
  readonly version: string;
  /** Fires when the service stops: held polls are answered, streams end. */
  readonly stopping: AbortSignal;
}
