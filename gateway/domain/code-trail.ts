/** What was done about the codes in one lock, as events tell it: sent, answered, read back, used. Evidence, and what the planner plans by. */
import type { DeviceId } from "./access-point.ts";
import type { CredentialId } from "./credential.ts";
import type { EventBody } from "./entry-event.ts";
import type { GrantId } from "./grant.ts";
import type { Instant } from "./instant.ts";
import type { CodeRef, CodeWindow } from "./lock-code.ts";

/**
 * "sent": written down before the lock hears of it, so it may or may not have · "accepted", "refused", "unknown": its answer ·
 * "present", "absent": read back from the lock.
 */
export type TrailState = "sent" | "accepted" | "refused" | "unknown" | "present" | "absent";

export interface CodeTrail {
  readonly grant: GrantId;
  readonly credential: CredentialId;
  /** The last change that was sent. */
  readonly change: "set" | "clear";
  readonly state: TrailState;
  /** When it came into this state. */
  readonly at: Instant;
  /** When the last change was sent. */
  readonly sentAt: Instant;
  /** Its place in the lock, once that is known. */
  readonly ref?: CodeRef;
  /** Of the last set: what the lock should hold. */
  readonly index: string;
  readonly window: CodeWindow | null;
}

/** "Postern 7k3m9xw2hd": how a code is named inside a lock, 18 characters; found again by it after a crash, whoever's card is in. */
export function codeLabel(credential: CredentialId): string {
  return `${labelPrefix}${credential.slice(-10)}`;
}

export function isOurLabel(label: string | undefined): boolean {
  return label !== undefined && ourLabel.test(label);
}

/** A person may call a code "Postern Bob"; ours end in ten letters of an id, digits among them. */
const ourLabel = /^Postern (?=.*\d)[0-9a-z]{10}$/;

const labelPrefix = "Postern ";

type CodeEvent = Extract<EventBody, { type: "code-sent" | "code-answered" | "code-read" }>;

/** What stands of the trails in a snapshot. */
export interface TrailItem {
  readonly item: "code";
  readonly device: DeviceId;
  readonly trail: CodeTrail;
}

/** The trails of every lock, as its events leave them. What was read as absent needs no trail any more. */
export class CodeLedger {
  readonly #locks = new Map<DeviceId, Map<CredentialId, CodeTrail>>();

  trailsOf(device: DeviceId): readonly CodeTrail[] {
    return [...(this.#locks.get(device)?.values() ?? [])];
  }

  /** Whose code stands at a place of the lock. */
  at(device: DeviceId, ref: CodeRef): CodeTrail | undefined {
    return this.#locks
      .get(device)
      ?.values()
      .find((trail) => trail.ref === ref);
  }

  /** `at`: when the event happened. */
  apply(event: CodeEvent, at: Instant): void {
    const { device, grant, credential } = event;
    const trails = this.#locks.getOrInsertComputed(device, () => new Map<CredentialId, CodeTrail>());
    const before = trails.get(credential);
    if (event.type === "code-answered") {
      if (before) trails.set(credential, { ...before, state: event.result, at });
      return;
    }
    if (event.type === "code-read" && event.state === "absent") {
      trails.delete(credential);
      return;
    }
    const ref = event.ref ?? before?.ref;
    const facts = { grant, credential, change: event.change, index: event.index, window: event.window };
    const state =
      event.type === "code-sent"
        ? ({ state: "sent", sentAt: at } as const)
        : ({ state: "present", sentAt: before?.sentAt ?? at } as const);
    trails.set(credential, { ...facts, ...state, at, ...(ref !== undefined && { ref }) });
  }

  /** Copied at the call: what happens later does not show. */
  dump(): TrailItem[] {
    return [...this.#locks].flatMap(([device, trails]) =>
      [...trails.values()].map((trail): TrailItem => ({ item: "code", device, trail })),
    );
  }

  restore({ device, trail }: TrailItem): void {
    this.#locks.getOrInsertComputed(device, () => new Map()).set(trail.credential, trail);
  }
}
