/** What is known of one code in one lock: wanted, sent, accepted, read back, used; from the events of its grant, in a gateway's order. */
import type { DeviceId } from "../../gateway/domain/access-point.ts";
import type { CredentialId } from "../../gateway/domain/credential.ts";
import type { EntryEvent } from "../../gateway/domain/entry-event.ts";
import type { GatewayId } from "../../gateway/domain/grant.ts";
import type { Instant } from "../../gateway/domain/instant.ts";
import type { CodeHours, CodeWindow, MissingWhy } from "../../gateway/domain/lock-code.ts";

export const evidenceTypes = ["code-sent", "code-answered", "code-read", "code-missing", "opened-at-lock"] as const;
export type EvidenceEvent = Extract<EntryEvent, { type: (typeof evidenceTypes)[number] }>;

/**
 * "unsent": nothing was ever done · "sent": the lock was told, or would have been but for a crash · "accepted", "refused", "unanswered":
 * what came of it, which proves nothing · "confirmed": read back from the lock · "cleared": read back that it is there no more.
 */
export type CodeState = "unsent" | "sent" | "accepted" | "refused" | "unanswered" | "confirmed" | "cleared";

/** Moments are of the last change; null: not that far. */
export interface CodeEvidence {
  readonly state: CodeState;
  /** What was last wanted of the lock. */
  readonly change: "set" | "clear" | null;
  readonly sentAt: Instant | null;
  readonly acceptedAt: Instant | null;
  readonly confirmedAt: Instant | null;
  readonly clearedAt: Instant | null;
  /** When somebody last opened with it, where the lock tells. */
  readonly usedAt: Instant | null;
  /** As the lock was told; null: it knows none and was told when to hold it. */
  readonly window: CodeWindow | null;
  /** It should be there and cannot be put there, and nothing has been done about it since. */
  readonly missing: { readonly why: MissingWhy; readonly at: Instant } | null;
}

export const noEvidence: CodeEvidence = {
  state: "unsent",
  change: null,
  sentAt: null,
  acceptedAt: null,
  confirmedAt: null,
  clearedAt: null,
  usedAt: null,
  window: null,
  missing: null,
};

/** `events`: of one lock and one credential, oldest first. */
export function codeEvidence(events: readonly EvidenceEvent[]): CodeEvidence {
  return events.reduce(after, noEvidence);
}

/** Names one code in one lock: each gateway names its locks itself, and two may use the same name. */
export function codeKey(gateway: GatewayId, lock: DeviceId, credential: CredentialId | undefined): string {
  return `${gateway} ${lock} ${credential}`;
}

/** By codeKey(), in the order given. */
export function byCode(
  events: readonly { readonly gateway: GatewayId; readonly event: EvidenceEvent }[],
): ReadonlyMap<string, readonly EvidenceEvent[]> {
  const found = Map.groupBy(events, ({ gateway, event }) => codeKey(gateway, event.device, event.credential));
  return new Map([...found].map(([key, ones]) => [key, ones.map(({ event }) => event)]));
}

function after(before: CodeEvidence, event: EvidenceEvent): CodeEvidence {
  const { at } = event;
  switch (event.type) {
    case "code-sent": {
      const { change } = event;
      const window = readWindow(event.window);
      const begun = { ...before, state: "sent", change, window, sentAt: at, acceptedAt: null, missing: null } as const;
      return change === "set" ? { ...begun, confirmedAt: null, clearedAt: null } : { ...begun, clearedAt: null };
    }
    case "code-answered":
      if (event.result === "accepted") return { ...before, state: "accepted", acceptedAt: at };
      return { ...before, state: event.result === "refused" ? "refused" : "unanswered" };
    case "code-read":
      if (event.state === "absent") return { ...before, state: "cleared", clearedAt: at, confirmedAt: null };
      // One that was to go and is still there is proven to be there.
      return {
        ...before,
        state: "confirmed",
        change: event.change,
        window: readWindow(event.window),
        confirmedAt: at,
        missing: null,
      };
    case "code-missing":
      return { ...before, missing: { why: event.why, at } };
    case "opened-at-lock":
      return { ...before, usedAt: at };
  }
}

/** A gateway may be newer than this and tell hours in a way that is not known here: they cover nothing then, and nothing is proven by them. */
function readWindow(window: CodeWindow | null): CodeWindow | null {
  const told: Partial<CodeHours> | null | undefined = window?.hours;
  if (!window || told === undefined || told === null) return window;
  const { days, from, until } = told;
  return { ...window, hours: { days: Array.isArray(days) ? days : [], from: Number(from), until: Number(until) } };
}
