/** From the grants of a site to the codes that shall be in a lock: which, when, and which of them the lock can never hold. */
import type { DeviceId } from "../domain/access-point.ts";
import type { ClockInterval } from "../domain/clock-interval.ts";
import type { CodeTrail } from "../domain/code-trail.ts";
import type { Credential, CredentialId, CredentialKind } from "../domain/credential.ts";
import { type Grant, isUnreadable } from "../domain/grant.ts";
import { type CodeConstraints, takes } from "../domain/lock-code.ts";
import { membersAheadMs, type WantedCode } from "../domain/plan-codes.ts";
import type { SecretString } from "../wire/secret.ts";
import { aheadMs, CodeTimes } from "./code-times.ts";
import type { SiteParts } from "./site-parts.ts";

/** What of a grant such a lock keeps. */
export function kindOf({ keeps }: Pick<CodeConstraints, "keeps">): CredentialKind {
  return keeps === "accounts" ? "provider" : "pin";
}

type Site = Pick<SiteParts, "records" | "seal" | "accessPoints" | "drivers">;

export class WantedCodes {
  readonly #site: Site;
  /** Whether the lock takes the digits of a credential, by restrictionsOf: opening its seal each time would cost too much. */
  readonly #fits = new Map<DeviceId, Map<string, WantedCode["unfit"]>>();
  readonly #times = new CodeTimes();

  constructor(site: Site) {
    this.#site = site;
  }

  /** In no order. */
  of(lock: DeviceId, constraints: CodeConstraints, { earliest, latest }: ClockInterval): WantedCode[] {
    const { accessPoints, records } = this.#site;
    const fits = new Map<string, WantedCode["unfit"]>();
    const before = this.#fits.get(lock);
    const wanted = new Map<CredentialId, WantedCode>();
    const kind = kindOf(constraints);
    const isClosed = closedTo(this.#site, lock);
    for (const { id } of [...accessPoints.values()].filter((point) => point.lock === lock)) {
      for (const grant of records.grantsAt(id)) {
        // Over, or nobody's concern within the time after which it is looked again.
        const early =
          constraints.keptBy === "cloud" && grant.kind === "member" && !grant.schedule
            ? { aheadMs: membersAheadMs }
            : {};
        const { from, until } = grant.validity;
        if (until <= latest || from > earliest + Math.max(aheadMs, early.aheadMs ?? 0)) continue;
        const times = this.#times.of(grant, constraints, records.site?.zone ?? "", latest);
        if (!times) continue;
        for (const credential of grant.credentials) {
          if (credential.kind !== kind || credential.revoked || grant.revoked) continue;
          if (records.isRevoked(grant.id) || records.isRevoked(credential.id)) continue;
          if (records.isBlacklisted({ grant, credential }) || isClosed(credential.id)) continue;
          const key = restrictionsOf(grant, credential);
          const unfit = before?.has(key) ? before.get(key) : this.#unfit(grant, credential, constraints);
          fits.set(key, unfit);
          wanted.set(credential.id, {
            grant: grant.id,
            credential: credential.id,
            index: credential.index,
            ...times,
            ...early,
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

  holderOf({ grant }: Pick<WantedCode, "grant">): string | undefined {
    return this.#site.records.grant(grant)?.holder.name;
  }

  /** Also one that was wanted a moment ago: this is asked once its sending is written down, and that alone puts nobody there. */
  mayBeSent({ credential }: Pick<WantedCode, "credential">, lock: DeviceId, before: readonly CodeTrail[]): boolean {
    return !isSwitchedOff(this.#site, lock) || before.some((one) => one.credential === credential && isStanding(one));
  }

  #unfit(grant: Grant, credential: Credential, constraints: CodeConstraints): WantedCode["unfit"] {
    if (grant.entriesAllowed !== null) return "entries";
    if (isUnreadable(grant)) return "schedule";
    const digits = this.digitsOf({ grant: grant.id, credential: credential.id })?.reveal();
    if (digits === undefined) return "unreadable";
    if (constraints.keeps === "accounts") return undefined;
    return takes(constraints, digits) ? undefined : "digits";
  }
}

/** Its maker's account is switched off at the cloud: who stands there already is looked after to the end, and nobody else is let in. */
function closedTo(site: Site, lock: DeviceId): (credential: CredentialId) => boolean {
  if (!isSwitchedOff(site, lock)) return () => false;
  const trails = site.records.codes.trailsOf(lock).filter(isStanding);
  const standing = new Set(trails.map(({ credential }) => credential));
  return (credential) => !standing.has(credential);
}

function isSwitchedOff({ records, drivers }: Site, lock: DeviceId): boolean {
  return records.integration(drivers.get(lock) ?? "")?.enabled === false;
}

/** A change that was refused leaves what stood there as it was; only what has been there has a place. */
function isStanding({ change, state, ref }: CodeTrail): boolean {
  return change === "set" && (state !== "refused" || ref !== undefined);
}

function restrictionsOf(grant: Grant, { id, index }: Credential): string {
  return `${id}/${index}/${grant.entriesAllowed !== null}/${isUnreadable(grant)}`;
}
