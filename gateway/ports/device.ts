/** What the inside asks of a thing on the site. A *device* is what a driver makes; an *access point* names the devices it uses. */
import type { BoltState, DeviceId, DoorState } from "../domain/access-point.ts";
import type { CredentialKind } from "../domain/credential.ts";
import type { DeviceOrigin } from "../domain/entry-event.ts";
import type { Instant, Millis, Monotonic } from "../domain/instant.ts";
import type { CodeConstraints, CodeRef, CodeWindow, StoredCode } from "../domain/lock-code.ts";
import type { SecretString } from "../wire/secret.ts";
import type { MqttDialect } from "./mqtt-link.ts";

/** No maker's success value is proof. "confirmed": a later state report shows it · "unknown": the deadline passed without an answer. */
export type CommandResult = "accepted" | "confirmed" | "refused" | "unknown";

export interface DeviceStatus {
  /** "unknown" after every start until the device speaks. */
  readonly link: "online" | "offline" | "unknown";
  /** Wall time of the last change of `link`, for people. */
  readonly since: Instant;
  readonly firmware?: string;
  /** Percent, 0 … 100, once reported. */
  readonly battery?: number;
  readonly tamper?: boolean;
  /** Its boot number was not what it should be; until it starts a connection with one that is. See the report of that name. */
  readonly bootDoubted?: boolean;
  readonly door?: DoorState;
  /** What a person has to do before it works, in a sentence. */
  readonly attention?: string;
}

export type DeviceReport =
  /** Someone presented a credential. `pressedAt`: when, on our monotonic clock, as far as the device can tell. */
  | {
      readonly type: "credential-presented";
      readonly kind: CredentialKind;
      readonly value: SecretString;
      readonly pressedAt: Monotonic;
      readonly origin?: DeviceOrigin;
    }
  | { readonly type: "bolt"; readonly state: BoltState; readonly origin?: DeviceOrigin }
  | { readonly type: "door"; readonly state: DoorState; readonly origin?: DeviceOrigin }
  | { readonly type: "tamper"; readonly active: boolean; readonly origin?: DeviceOrigin }
  | { readonly type: "battery"; readonly percent: number; readonly origin?: DeviceOrigin }
  /** The lock opened without asking us. `code`: the place of the code that did it, where the lock tells. */
  | {
      readonly type: "opened-at-lock";
      readonly by: "code" | "card" | "fingerprint" | "key" | "hand" | "app";
      readonly code?: CodeRef;
    }
  /**
   * The device counts its starts, and is in start `boot`; `other` does not go with it: a higher number from before (it was replaced or
   * reset), or a number named in its name while it runs. Nothing stamped `other` opens anything.
   */
  | { readonly type: "boot-doubted"; readonly boot: number; readonly other: number }
  | { readonly type: "presence"; readonly state: "online" | "offline"; readonly firmware?: string };

/** Resolves once the report is on the disk; the device (or its driver) acknowledges only then. */
export type ReportListener = (report: DeviceReport) => Promise<void>;

export type Unsubscribe = () => void;

/** One thing on the site, whatever its maker. It reports and obeys; it never decides and never retries. Constructing it has
 *  no effect: sockets, ports and timers begin in start(). What it cannot do is absent, not a method that throws. */
export interface Device {
  readonly id: DeviceId;
  /** Resolves once it listens; it does not wait for the thing to be there. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  status(): DeviceStatus;
  subscribe(listener: ReportListener): Unsubscribe;
  readonly lock?: Lock;
  readonly codes?: CodeStore;
  readonly reader?: Reader;
  readonly locator?: Locator;
  /** How it talks through the site's broker; absent where it does not. */
  readonly mqtt?: MqttDialect;
}

/** The part that holds the door. A timer of its own is the better one: a lost link leaves such a door shut. */
export interface Lock {
  /** "by-itself": secured by a timer of its own after `holdMs` · "when-told": it stays released until the gateway secures it, which it does then. */
  readonly relocks: "by-itself" | "when-told";
  /** Releases for `holdMs`. Settles within the driver's own deadline; "unknown" then. Never retried by anyone. */
  release(holdMs: Millis, signal: AbortSignal): Promise<CommandResult>;
  secure(signal: AbortSignal): Promise<CommandResult>;
  /**
   * Released for `windowMs` from now. Told again before that is over it stays released and nothing moves; told no more it secures itself,
   * so that a gateway that is gone holds nothing open. Settles as release() does. Absent where a lock cannot, as one that relocks when told.
   */
  hold?(windowMs: Millis, signal: AbortSignal): Promise<CommandResult>;
  /** The last we know. "assumed" where the hardware gives no feedback, or has not spoken since we started. */
  state(): { readonly bolt: BoltState; readonly basis: "reported" | "assumed" };
  /**
   * Why no PIN can be put into it, in a sentence for people, where they would expect that one can. Its device has no `codes` then: a PIN opens
   * it by a reader of its own or not at all.
   */
  readonly noCodes?: string;
}

/**
 * PINs kept inside the lock, or accounts where its constraints say so: then "digits" is what names an account. Whoever asks does so one at a time, with patience between: batteries and makers' limits. A lock that cannot
 * be reached, a time-out and an answer that cannot be read reject list() with GatewayError "device-unreachable" or "device-refused": nothing
 * is known then, which is not the same as nothing being there.
 */
export interface CodeStore {
  readonly constraints: CodeConstraints;
  /** Where at its maker they stand, if not in the lock itself, such as a group: two that kept one place would each take the other's codes for nobody's. */
  readonly place?: string;
  /** All that stands in the lock. `indexOf` turns digits that were read into their index, so that none are handed on. */
  list(indexOf: (digits: string) => string, signal: AbortSignal): Promise<readonly StoredCode[]>;
  /** "confirmed": the lock itself said so · "accepted": taken for delivery · "refused": not taken, nothing has changed. */
  set(code: CodeToSet, signal: AbortSignal): Promise<CommandResult>;
  /** As set(). What is not there is "confirmed". */
  clear(ref: CodeRef, signal: AbortSignal): Promise<CommandResult>;
}

export interface CodeToSet {
  /** Changes the code that stands there; absent where a new one gets its place from the lock. */
  readonly ref?: CodeRef;
  /** At most 20 characters; how a new one is found again. */
  readonly label: string;
  readonly digits: SecretString;
  /** Only where the lock's constraints say "range". */
  readonly window?: CodeWindow;
  /** The name of whoever it is for, where the lock keeps accounts: one that is made is called so. */
  readonly holder?: string;
}

export interface Reader {
  /** What it can read: whether a grant can be honoured at its door depends on it. */
  readonly kinds: readonly CredentialKind[];
  /** Tells the person at the reader; best effort. Never why: that would help whoever guesses. */
  feedback(outcome: "granted" | "denied" | "locked-out", signal: AbortSignal): Promise<void>;
}

export interface Locator {
  /** Beeps or blinks for some seconds, so that a person finds it; nothing moves. Settles within the driver's own deadline. */
  identify(signal: AbortSignal): Promise<CommandResult>;
}
