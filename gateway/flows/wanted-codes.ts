/** From the grants of a site to the codes that shall be in a lock: which, when, and which of them the lock can never hold. */
import type { DeviceId } from "../domain/access-point.ts";
import type { ClockInterval } from "../domain/clock-interval.ts";
import type { Credential, CredentialId } from "../domain/credential.ts";
import type { Grant } from "../domain/grant.ts";
import type { Instant, Millis } from "../domain/instant.ts";
import { type CodeConstraints, takes } from "../domain/lock-code.ts";
import { type Opening, openingAt } from "../domain/opening.ts";
import { codeTimes, type WantedCode } from "../domain/plan-codes.ts";
import type { WeeklySchedule } from "../domain/schedule.ts";
import { planHours } from "../domain/week-hours.ts";
import type { SecretString } from "../wire/secret.ts";
import type { SiteParts } from "./site-parts.ts";

type Site = Pick<SiteParts, "records" | "seal" | "accessPoints">;

/** More than a lock is prepared ahead; what begins later is looked at later. */
const marginMs: Millis = 8 * 3_600_000;
const aheadMs: Millis = codeTimes.preloadMs + marginMs;

/** When and how a lock is to hold the codes of a grant. */
type Times = Pick<WantedCode, "from" | "until" | "hours" | "unfit">;

export class WantedCodes {
  readonly #site: Site;
  /** Whether the lock takes the digits of a credential, by restrictionsOf: opening its seal each time would cost too much. */
  readonly #fits = new Map<DeviceId, Map<string, WantedCode["unfit"]>>();
  /** The opening of a schedule that was found last: it takes a while to find, and stays the same until it ends. */
  readonly #openings = new WeakMap<
    WeeklySchedule,
    { readonly key: string; readonly foundAt: Instant; readonly opening: Opening | undefined }
  >();

  constructor(site: Site) {
    this.#site = site;
  }

  /** In no order. */
  of(lock: DeviceId, constraints: CodeConstraints, { earliest, latest }: ClockInterval): WantedCode[] {
    const { accessPoints, records } = this.#site;
    const fits = new Map<string, WantedCode["unfit"]>();
    const before = this.#fits.get(lock);
    const wanted = new Map<CredentialId, WantedCode>();
    for (const { id } of [...accessPoints.values()].filter((point) => point.lock === lock)) {
      for (const grant of records.grantsAt(id)) {
        // Over, or nobody's concern within the time after which it is looked again.
        if (grant.validity.until <= latest || grant.validity.from > earliest + aheadMs) continue;
        const times = this.#timesOf(grant, constraints, latest);
        if (!times) continue;
        for (const credential of grant.credentials) {
          if (credential.kind !== "pin" || credential.revoked || grant.revoked) continue;
          if (records.isRevoked(grant.id) || records.isRevoked(credential.id)) continue;
          if (records.isBlacklisted({ grant, credential })) continue;
          const key = restrictionsOf(grant, credential);
          const unfit = before?.has(key) ? before.get(key) : this.#unfit(grant, credential, constraints);
          fits.set(key, unfit);
          wanted.set(credential.id, {
            grant: grant.id,
            credential: credential.id,
            index: credential.index,
            ...times,
            ...(unfit && { unfit }),
          });
        }
      }
    }
    this.#fits.set(lock, fits);
    return [...wanted.values()];
  }

  /** undefined when nobody here can read it. */
  digitsOf({ grant, credential }: Pick<WantedCode, "grant" | "credential">): SecretString | undefined {
    const found = this.#site.records.grant(grant)?.credentials.find(({ id }) => id === credential);
    return found?.sealed === undefined ? undefined : this.#site.seal.open(credential, found.sealed);
  }

  /** undefined: nothing of it is anybody's concern for now. */
  #timesOf({ validity, schedule }: Grant, constraints: CodeConstraints, now: Instant): Times | undefined {
    const { from, until } = validity;
    if (!schedule) return { from, until };
    const zone = this.#site.records.site?.zone ?? "";
    try {
      const plan = planHours(schedule, validity, zone, constraints.hours);
      if (plan.by === "nothing") return { from, until };
      if (plan.by === "lock") return { from, until, hours: plan.hours };
      if (plan.by === "nobody") return { from, until, unfit: "schedule" };
      return this.#openingOf(schedule, validity, zone, now);
    } catch (error) {
      // A zone or a date that nobody knows: where the gateway decides, nothing opens either.
      if (error instanceof RangeError) return { from, until, unfit: "schedule" };
      throw error;
    }
  }

  #openingOf(schedule: WeeklySchedule, validity: Opening, zone: string, now: Instant): Opening | undefined {
    const key = `${zone} ${validity.from} ${validity.until}`;
    const known = this.#openings.get(schedule);
    const goodUntil = known?.opening?.until ?? (known?.foundAt ?? 0) + marginMs;
    if (known?.key === key && known.foundAt <= now && now < goodUntil) return known.opening;
    const opening = openingAt(schedule, validity, zone, now, aheadMs);
    this.#openings.set(schedule, { key, foundAt: now, opening });
    return opening;
  }

  #unfit(grant: Grant, credential: Credential, constraints: CodeConstraints): WantedCode["unfit"] {
    if (grant.entriesAllowed !== null) return "entries";
    if (grant.mustUnderstand?.length) return "schedule";
    const digits = this.digitsOf({ grant: grant.id, credential: credential.id })?.reveal();
    if (digits === undefined) return "unreadable";
    return takes(constraints, digits) ? undefined : "digits";
  }
}

function restrictionsOf({ entriesAllowed, mustUnderstand }: Grant, { id, index }: Credential): string {
  return `${id}/${index}/${entriesAllowed !== null}/${(mustUnderstand?.length ?? 0) > 0}`;
}
