/** One request each to the cloud; when and how often is the sync loop's business. Every call rejects once `signal` fires. */

import type { CredentialKind } from "../domain/credential.ts";
import type { EventSeq } from "../domain/entry-event.ts";
import type { Checksum, Cursor, FeedPage } from "../domain/feed.ts";
import type { Instant, Millis } from "../domain/instant.ts";
import type { CodeConstraints } from "../domain/lock-code.ts";
import type { AuditPart } from "../wire/gateway-api.ts";
import type { EventBatch } from "./journal.ts";

export interface PollRequest {
  readonly cursor: Cursor;
  /** How long the cloud may hold the request while there is nothing new. */
  readonly waitMs: Millis;
  readonly lastCommand: number;
  /** How far the journal goes: the cloud keeps it as a witness. `beat` grows within a boot. */
  readonly journal: {
    readonly epoch: number;
    readonly seq: EventSeq;
    readonly head: string;
    readonly boot: number;
    readonly beat: number;
  };
}

interface CommandFacts {
  /** Grows per gateway. */
  readonly id: number;
  readonly accessPoint: string;
  /** Since the click, by the server's clock, when the answer was sent. */
  readonly ageMs: Millis;
  readonly ttlMs: Millis;
  readonly by: string;
}

/** An edge, so it lives for seconds. Levels (lockdown, hold open) are feed rows. "identify": its devices show where they are. */
export interface RemoteCommand extends CommandFacts {
  readonly action: "unlock" | "identify";
}

/** A guard counts a visitor in through the cloud. `pass`: what was read, sealed under the site's key (wire/guard-api.ts). */
export interface EntryCommand extends CommandFacts {
  readonly action: "enter";
  readonly pass: string;
  readonly staff: string;
  readonly nonce: string;
}

/** A guest presents their stay's link from afar. `link`: its credential's value, sealed under the site's key (wire/gateway-api.ts). */
export interface LinkCommand extends CommandFacts {
  readonly action: "present";
  readonly link: string;
}

export type CloudCommand = RemoteCommand | HostAnswer | EntryCommand | LinkCommand;

/** `by`: the host whom a guard has asked. It moves nothing. */
export interface HostAnswer extends CommandFacts {
  readonly action: "host-answer";
  readonly question: string;
  readonly approves: boolean;
}

export interface PollReply {
  /** Without rows, and with the cursor asked for, when there is nothing new. */
  readonly page: FeedPage;
  /** When caught up: what the set should add up to. */
  readonly checksum: Checksum | undefined;
  readonly commands: readonly CloudCommand[];
  /** The server's clock as it sent the answer, and for how long it had held the request. */
  readonly serverTime: Instant;
  readonly heldMs: Millis;
  readonly retryAfterMs?: Millis;
  /** The first event the cloud does not have. */
  readonly journalNext?: EventSeq;
  /** The cloud has lost history and wants this gateway's account. */
  readonly auditWanted?: boolean;
}

/** `next`: the first event the cloud does not have; it may be lower than before when the cloud was restored. */
export type PushReply =
  | { readonly outcome: "taken"; readonly next: EventSeq; readonly retryAfterMs?: Millis | undefined }
  /** A newer epoch of this gateway exists; this one must stop. */
  | { readonly outcome: "fenced"; readonly epoch: number }
  /** The cloud holds a different event under a number we sent: two gateways with one identity, or a restored disk. */
  | { readonly outcome: "fork"; readonly seq: EventSeq };

/** What the admin sees of a site's hardware. */
export interface GatewayReport {
  readonly version: string;
  readonly accessPoints: readonly {
    readonly id: string;
    readonly name: string;
    /** The device that holds the door. */
    readonly lock: string;
    /** Whether anything there reads credentials, so that the gateway is asked. */
    readonly reads: boolean;
    /** Which kinds; absent where a reader does not say. */
    readonly kinds?: readonly CredentialKind[];
    /** Of the codes inside its lock, where it keeps any. */
    readonly codes?: CodeConstraints;
    /** Of the accounts that it lets in, where it keeps those. */
    readonly accounts?: Pick<CodeConstraints, "capacity">;
    /** Why it keeps none, in a sentence for people, where its driver knows. */
    readonly noCodes?: string;
  }[];
  readonly devices: readonly {
    readonly id: string;
    readonly link: "online" | "offline" | "unknown";
    readonly battery?: number;
    readonly firmware?: string;
  }[];
  /** Where other gateways of the site reach this one, "host:port". */
  readonly lan?: string;
}

export interface CloudLink {
  poll(request: PollRequest, signal: AbortSignal): Promise<PollReply>;
  push(batch: EventBatch, signal: AbortSignal): Promise<PushReply>;
  /** One part of the account the cloud asked for. */
  audit(part: AuditPart, signal: AbortSignal): Promise<void>;
  /** Sent after a start and when something in it changed. */
  report(report: GatewayReport, signal: AbortSignal): Promise<void>;
}
