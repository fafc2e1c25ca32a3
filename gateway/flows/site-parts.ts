/** What the flows work with: the records and the journal of this site, its time, and its access points with their devices. */
import type { AccessPoint, AccessPointId, DeviceId } from "../domain/access-point.ts";
import type { CredentialKind } from "../domain/credential.ts";
import type { Circumstances } from "../domain/decide.ts";
import type { DeviceOrigin, EventBody } from "../domain/entry-event.ts";
import type { GrantId } from "../domain/grant.ts";
import type { Monotonic } from "../domain/instant.ts";
import { isGuessedKind } from "../domain/lockout.ts";
import type { Questions } from "../domain/questions.ts";
import type { HolderId } from "../domain/rights.ts";
import type { SiteRecords } from "../domain/site-records.ts";
import { type StaffMember, staffStanding } from "../domain/staff.ts";
import { GatewayError } from "../errors.ts";
import type { Clock, SiteTime } from "../ports/clock.ts";
import type { Device, Reader } from "../ports/device.ts";
import type { Journal } from "../ports/journal.ts";
import type { Logger } from "../ports/logger.ts";
import type { PeerLink } from "../ports/peer-link.ts";
import type { CredentialSeal } from "../wire/credential-seal.ts";
import type { InTurn } from "./in-turn.ts";
import type { News } from "./news.ts";

export interface SiteParts {
  readonly records: SiteRecords;
  readonly journal: Journal;
  readonly seal: CredentialSeal;
  readonly clock: Clock;
  readonly time: SiteTime;
  readonly accessPoints: ReadonlyMap<AccessPointId, AccessPoint>;
  readonly devices: ReadonlyMap<string, Device>;
  /** Their drivers' names; a device without one is known by none. */
  readonly drivers: ReadonlyMap<DeviceId, string>;
  /** What a person has to do at a device that does not know it itself; see DeviceStatus. */
  readonly attentions: Map<DeviceId, string>;
  /** How often each lock was released: whoever watches one window can tell that a newer one has begun. Access points may share one. */
  readonly releases: Map<DeviceId, number>;
  /** Until when each lock that is held open was told to stay so: a release for a person must not cut that short. */
  readonly heldUntil: Map<DeviceId, Monotonic>;
  /** Told when the records have changed, or what is known of the time. */
  readonly news: News;
  /** Told when the cloud is heard of again: makers' clouds lie on the same line. */
  readonly lineBack: News;
  /** This gateway in its present epoch. */
  readonly holder: HolderId;
  readonly peers: PeerLink;
  /** When an entry of the grant last came from a neighbour. */
  readonly receivedAt: Map<GrantId, Monotonic>;
  /** When a guard first looked at a pass, by guard and pass (guard-scan.ts). */
  readonly scannedAt: Map<string, Monotonic>;
  readonly questions: Questions;
  /** Answers on their way to a reader, one each: who presses again is told of the newer press alone. Aborting one takes it back. */
  readonly answers: Map<Reader, AbortController>;
  /** Serves one request at an access point at a time. */
  readonly inTurn: InTurn;
  readonly logger: Logger;
  /** Fires when the gateway stops. */
  readonly stopping: AbortSignal;
}

/** What decide() is told besides the request and the records. `via`: what is presented to a reader nobody watches. */
export function circumstancesAt(
  { records, clock, time }: SiteParts,
  accessPoint: AccessPointId,
  via?: CredentialKind,
): Circumstances {
  const now = clock.monotonic();
  return {
    time: time.interval(),
    sinceSyncMs: time.sinceSyncMs(),
    lockedOutMs: via && isGuessedKind(via) ? records.attempts.lockedOutMs(via, accessPoint, now) : 0,
  };
}

/**
 * Writes something down where no door waits for it; resolves when it is on the disk. On a full disk it is lost and the log says so,
 * every other failure is thrown. What an event would have given back (a void's right) then stays spent.
 */
export function note(
  site: SiteParts,
  body: EventBody,
  options: { origin?: DeviceOrigin; importance?: "high" | "low" } = {},
): Promise<void> {
  try {
    return site.journal.recordEvent(body, options).durable;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "storage-full") throw error;
    site.logger.error("record-lost", { what: body.type, error });
    return Promise.resolve();
  }
}

/** Whoever the cloud took off the list opens nothing, and nobody does with a password that is void. */
export function isStillStaff({ records, time }: SiteParts, { id, password }: StaffMember): boolean {
  return staffStanding(records, time.sinceSyncMs()) === "good" && records.staff(id)?.password === password;
}
