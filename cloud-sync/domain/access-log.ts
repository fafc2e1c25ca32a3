/** What became of people's credentials at a maker's doors, told from the events of the gateway that kept them there. Pure. */
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import { type CodeEvidence, codeEvidence, type EvidenceEvent } from "./code-evidence.ts";

/**
 * "granted": read back from the maker that it stands there · "revoked": that it does no more · "gone": somebody took it away there, and it should
 * stand · "kept": it was to go and still stands · "refused", "unanswered": what the maker said to a change · "missing": it cannot be put there.
 */
export const accessActions = ["granted", "revoked", "gone", "kept", "refused", "unanswered", "missing"] as const;
export type AccessAction = (typeof accessActions)[number];

/** Changes that were sent and taken are no news: what was read back says what came of them. */
export const accessLogTypes = ["code-answered", "code-read", "code-missing"] as const;
export type AccessLogEvent = Extract<EntryEvent, { type: (typeof accessLogTypes)[number] }>;

/** undefined: no news. */
export function accessAction(event: AccessLogEvent): AccessAction | undefined {
  switch (event.type) {
    case "code-answered":
      if (event.result === "accepted") return undefined;
      return event.result === "refused" ? "refused" : "unanswered";
    case "code-read":
      if (event.state === "present") return event.change === "set" ? "granted" : "kept";
      return event.change === "clear" ? "revoked" : "gone";
    case "code-missing":
      return "missing";
  }
}

export interface CredentialAtMaker {
  /** The maker's own id of it; null: it was never told. */
  readonly externalId: string | null;
  /** It opens, as far as anybody knows: what was taken and not read back may. */
  readonly isActive: boolean;
  readonly grantedAt: Instant | null;
  readonly revokedAt: Instant | null;
}

/** `events`: of one credential at one device, oldest first. */
export function credentialAtMaker(events: readonly EvidenceEvent[]): CredentialAtMaker {
  const evidence = codeEvidence(events);
  const refs = events.flatMap((event) => ("ref" in event && event.ref !== undefined ? [event.ref] : []));
  const read = events.findLast((event) => event.type === "code-read");
  const isRevoked = read !== undefined && accessAction(read) === "revoked";
  const granted = events.findLast((event) => event.type === "code-read" && accessAction(event) === "granted");
  return {
    externalId: refs.at(-1) ?? null,
    isActive: isStanding(evidence),
    grantedAt: granted?.at ?? null,
    // What somebody took away at the maker is to come back.
    revokedAt: isRevoked ? evidence.clearedAt : null,
  };
}

function isStanding({ clearedAt, confirmedAt, acceptedAt, change }: CodeEvidence): boolean {
  return clearedAt === null && (confirmedAt !== null || (change === "set" && acceptedAt !== null));
}
