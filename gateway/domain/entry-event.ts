/** EntryEvent: an immutable record of what happened, in the order it happened at one gateway. Events are what the cloud is told. */
import type { AccessPointId, BoltState, DeviceId, DoorState } from "./access-point.ts";
import type { ClockTrust } from "./clock-interval.ts";
import type { CredentialId, CredentialKind } from "./credential.ts";
import type { DenyReason } from "./decide.ts";
import type { GrantId } from "./grant.ts";
import type { HoldEnd, HoldId } from "./hold-open.ts";
import type { Instant, Millis } from "./instant.ts";
import type { CodeRef, CodeWindow, MissingWhy } from "./lock-code.ts";
import type { HolderId } from "./rights.ts";
import type { StaffId } from "./staff.ts";

/** Dense numbering of the events of one gateway in one epoch, from 1. */
export type EventSeq = number;

/** A report's place in its device's own numbering: (boot counter, sequence); a report at or below the last one seen is a repeat. */
export interface DeviceOrigin {
  readonly device: DeviceId;
  readonly boot: number;
  readonly seq: number;
}

/** What a guard did at a visit. Names, documents and notes are never in it: an event cannot be unwritten. */
export interface GuardScan {
  readonly staff: StaffId;
  /** The number that the guard's request gave itself; absent in the gateway's own denial. */
  readonly nonce?: string;
  /** SHA-256 in hex of a photo of the visitor, and of the sheet with what the guard wrote of them; see ports/attachments.ts. */
  readonly photo?: string;
  readonly sheet?: string;
  /** From the first look at the pass to the guard's word. */
  readonly waitedMs?: Millis;
  /** How far from the gate the guard's phone was, where that was outside its bounds. */
  readonly farM?: number;
  /** Who said that this visitor without a pass may come in, where the host was asked. */
  readonly host?: string;
}

interface CodeFacts {
  readonly device: DeviceId;
  readonly grant: GrantId;
  readonly credential: CredentialId;
  readonly change: "set" | "clear";
  readonly ref?: CodeRef;
  readonly index: string;
  readonly window: CodeWindow | null;
}

/** What happened. No member has a name of EventStamp's. */
export type EventBody =
  /** On the disk before the strike moves. `left`: rights left at this gateway after it, null when the grant has no limit. */
  | {
      readonly type: "admitted";
      readonly accessPoint: AccessPointId;
      readonly grant: GrantId;
      readonly credential: CredentialId;
      readonly via: CredentialKind;
      readonly left: number | null;
      readonly revision: number;
      readonly flags?: readonly string[];
      /** By a signed pass, of which the gateway knew nothing else: what it placed here, in all, and when it ends. */
      readonly signed?: { readonly placed: number; readonly until: Instant };
      readonly press?: DeviceOrigin;
      readonly scan?: GuardScan;
    }
  /** The strike of admission `of` was told to move; "unknown": the device did not say whether it did. */
  | {
      readonly type: "released";
      readonly of: EventSeq;
      readonly accessPoint: AccessPointId;
      readonly result: "accepted" | "confirmed" | "unknown";
    }
  /** The strike of admission `of` certainly did not move: its right is given back. */
  | {
      readonly type: "void";
      readonly of: EventSeq;
      readonly accessPoint: AccessPointId;
      readonly grant: GrantId;
      /** "too-late": the disk took so long that nobody waits at the door any more. */
      readonly why: "revoked" | "refused" | "stopped" | "too-late";
    }
  | {
      readonly type: "denied";
      readonly accessPoint: AccessPointId;
      readonly reason: DenyReason;
      readonly via: CredentialKind;
      readonly revision: number;
      readonly grant?: GrantId;
      readonly credential?: CredentialId;
      /** What was shown is a signed pass by no key that is known here: see PresentedCredential. */
      readonly unproven?: true;
      /** How long this denial has locked the keypad or the scanner out, when it has. */
      readonly lockedOutMs?: Millis;
      /** Name of the gateway that holds the grant's entries, where that is the reason. */
      readonly heldAt?: string;
      readonly press?: DeviceOrigin;
      readonly scan?: GuardScan;
    }
  /** A guard has sent a visitor away, of their own mind or because what they typed is on the blacklist. `grant`: of the pass shown. */
  | {
      readonly type: "turned-away";
      readonly accessPoint: AccessPointId;
      readonly why: "guard" | "blacklisted";
      readonly grant?: GrantId;
      readonly scan: GuardScan;
    }
  /** A guard has seen a visitor leave. `of`: the event the visit began with; absent: it began elsewhere, or too long ago. */
  | {
      readonly type: "left";
      readonly accessPoint: AccessPointId;
      readonly of?: EventSeq;
      readonly grant?: GrantId;
      readonly scan: GuardScan;
    }
  /**
   * So many wrong PINs within 24 h, at so many keypads of this gateway, that their budget is spent (guess-budget.ts). Told when that
   * begins, and not again within 24 h.
   */
  | { readonly type: "pin-guessing"; readonly wrongPins: number; readonly keypads: number }
  /** The same of passes, at so many scanners that nobody watches. */
  | { readonly type: "pass-guessing"; readonly wrongPasses: number; readonly scanners: number }
  /**
   * A press that was taken in and got no decision: nothing moved for it. "stopped": the gateway ended before its decision was written
   * down · "turned-away": too many were waiting · "too-late": it was old when it arrived · "no-access-point": the reader serves none.
   */
  | {
      readonly type: "unanswered";
      readonly device: DeviceId;
      readonly accessPoint?: AccessPointId;
      readonly why: "stopped" | "turned-away" | "too-late" | "no-access-point";
      readonly press?: DeviceOrigin;
    }
  /** Entries handed back to the cloud, `total` so far, in answer to its take-back order. On the disk before it is told. */
  | { readonly type: "rights-returned"; readonly grant: GrantId; readonly total: number; readonly order: number }
  /** Entries given to another gateway over the LAN, `total` so far to this one. On the disk before it is told. */
  | { readonly type: "rights-sent"; readonly grant: GrantId; readonly to: HolderId; readonly total: number }
  /** Entries another gateway gave over the LAN, `total` so far from this one. */
  | { readonly type: "rights-received"; readonly grant: GrantId; readonly from: HolderId; readonly total: number }
  /** A remote command was taken; on the disk before anything moves, so that it runs at most once. */
  | {
      readonly type: "command-taken";
      readonly command: number;
      readonly accessPoint: AccessPointId;
      /** Absent: unlock. "enter": a guard counts a visitor in through the cloud. "present": a guest presents a link from afar. */
      readonly action?: "identify" | "enter" | "present";
      readonly by: string;
    }
  | {
      readonly type: "command-ended";
      readonly command: number;
      readonly accessPoint: AccessPointId;
      readonly action?: "identify" | "enter" | "present";
      readonly result: "accepted" | "confirmed" | "refused" | "unknown" | "expired";
      /** Of an entry or a link: the number of its admission; else why there is none. */
      readonly of?: EventSeq;
      readonly reason?: DenyReason;
    }
  /** A host has answered a guard's question about a visitor without a pass, by command `command`. Nothing moves for it. */
  | {
      readonly type: "host-answered";
      readonly command: number;
      readonly accessPoint: AccessPointId;
      readonly question: string;
      readonly approves: boolean;
      readonly staff: StaffId;
      readonly by: string;
    }
  /** Somebody of the staff has signed in at the gateway itself. */
  | { readonly type: "staff-signed-in"; readonly staff: StaffId }
  /** A sign-in there that failed. `staff`: whose user name was typed; absent: nobody's, and what was typed may be a password. */
  | { readonly type: "staff-refused"; readonly staff?: StaffId; readonly why: "wrong" }
  /** Somebody of the staff has asked for it at the gateway itself; on the disk before anything moves. */
  | {
      readonly type: "staff-command";
      readonly staff: StaffId;
      readonly accessPoint: AccessPointId;
      /** Absent: unlock. */
      readonly action?: "identify";
      /** For a visitor who has no pass, on a guard's word. */
      readonly scan?: GuardScan;
    }
  /** `of`: the staff-command's number. */
  | {
      readonly type: "staff-command-ended";
      readonly of: EventSeq;
      readonly accessPoint: AccessPointId;
      readonly action?: "identify";
      readonly result: "accepted" | "confirmed" | "refused" | "unknown" | "expired";
    }
  /** From now on the access point is held open. On the disk before the lock moves, and not written again when the gateway starts in between. */
  | {
      readonly type: "held-open";
      readonly accessPoint: AccessPointId;
      readonly hold: HoldId;
      readonly until: Instant;
      readonly revision: number;
    }
  /** The lock is secured without waiting for it. "impossible" has no beginning: the lock cannot be held open. */
  | {
      readonly type: "hold-ended";
      readonly accessPoint: AccessPointId;
      readonly hold: HoldId;
      readonly reason: HoldEnd;
      readonly revision: number;
    }
  /** The bolt was not back after the release window. */
  | { readonly type: "relock-failed"; readonly accessPoint: AccessPointId }
  /** A lock that relocks when told was told, and is shut: what admissions and commands have released there is over. */
  | { readonly type: "relocked"; readonly accessPoint: AccessPointId }
  /** It opened without asking the gateway. `code`: the place of the code that did it, where the lock tells; whose it is, where that is known. */
  | {
      readonly type: "opened-at-lock";
      readonly device: DeviceId;
      readonly by: "code" | "card" | "fingerprint" | "key" | "hand" | "app";
      readonly code?: CodeRef;
      readonly grant?: GrantId;
      readonly credential?: CredentialId;
    }
  /** On the disk before the lock is told. `index`, `window`: of the code it shall hold, or held when it is cleared. */
  | ({ readonly type: "code-sent" } & CodeFacts)
  /** What it, or its maker, answered: no proof of anything. */
  | {
      readonly type: "code-answered";
      readonly device: DeviceId;
      readonly grant: GrantId;
      readonly credential: CredentialId;
      readonly result: "accepted" | "refused" | "unknown";
    }
  /** A list of the lock's codes showed it, or showed it no more. */
  | ({ readonly type: "code-read"; readonly state: "present" | "absent" } & CodeFacts)
  /** It should be in the lock by now, or within a day, and cannot be put there. */
  | {
      readonly type: "code-missing";
      readonly device: DeviceId;
      readonly grant: GrantId;
      readonly credential: CredentialId;
      readonly why: MissingWhy;
    }
  /** The lock's codes could not be read or changed so many times in a row; it is tried less often, and for as long as it takes. */
  | { readonly type: "codes-stuck"; readonly device: DeviceId; readonly failures: number }
  | { readonly type: "bolt"; readonly device: DeviceId; readonly state: BoltState }
  | { readonly type: "door"; readonly device: DeviceId; readonly state: DoorState }
  | { readonly type: "tamper"; readonly device: DeviceId; readonly active: boolean }
  | { readonly type: "battery"; readonly device: DeviceId; readonly percent: number }
  | {
      readonly type: "presence";
      readonly device: DeviceId;
      readonly state: "online" | "offline";
      readonly firmware?: string;
    }
  /** The device is in its start `deviceBoot`, and `otherBoot` does not go with it (ports/device.ts): replaced, reset, or not alone. */
  | {
      readonly type: "boot-doubted";
      readonly device: DeviceId;
      readonly deviceBoot: number;
      readonly otherBoot: number;
    }
  /**
   * The gateway came up. `cutBytes`: torn tail removed from the journal. `endedEpoch`: for the first time in this epoch; the journal of that
   * one is put aside, and what had not been told of it by then is never told.
   */
  | { readonly type: "boot"; readonly version: string; readonly cutBytes: number; readonly endedEpoch?: number }
  /** Records that had been on the disk can no longer be read; the rights they may have used count as spent. */
  | { readonly type: "damage"; readonly file: string; readonly line: number; readonly lines: number }
  | { readonly type: "checksum-mismatch"; readonly feed: string; readonly revision: number };

/** What every event carries besides its body. */
export interface EventStamp {
  readonly seq: EventSeq;
  /** The earliest it can have been, by the gateway's clock; `clock` tells how far to believe it. */
  readonly at: Instant;
  readonly clock: ClockTrust;
  /** Which boot of the gateway; with `mono` it orders and spaces events even while the clock is unset. */
  readonly boot: number;
  readonly mono: number;
  readonly origin?: DeviceOrigin;
}

export type EntryEvent = EventStamp & EventBody;
