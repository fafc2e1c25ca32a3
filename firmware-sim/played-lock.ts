/** A lock as the control page plays it, whoever made it: what a person in front of it sees, and what he can do. What it lacks is absent. */
import type { Clock } from "../gateway/ports/clock.ts";
import type { FaultRates } from "./faults.ts";
import type { Internet } from "./internet.ts";
import type { Verdict } from "./sim-lockbox.ts";

type Unsubscribe = () => void;

export interface KeypadVerdict {
  readonly verdict: Verdict;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export interface PlayedView {
  readonly powered: boolean;
  readonly bolt: "released" | "secured" | "jammed";
  readonly door: "open" | "closed";
  /** Something blocks the bolt. Absent: nothing of its kind jams. */
  readonly jammed?: boolean;
  /** What goes wrong on its line. */
  readonly line: FaultRates;
  /** Whether its broker has let it in. Absent: only the gateway knows whether they reach each other. */
  readonly connected?: boolean;
  /** Its cable or its radio is on; without it, it works by itself. Absent: it has none to switch. */
  readonly online?: boolean;
  /** What stands in its own list of PINs. Absent: it keeps none. */
  readonly codes?: readonly PlayedCode[];
  /** Absent: it hangs on the mains. */
  readonly batteryPercent?: number;
  readonly tamper?: boolean;
  /** Of its keypad; empty without power. */
  readonly display?: string;
  /** How often it beeped with the text on the display. */
  readonly beeps?: number;
  readonly lastVerdict?: KeypadVerdict | null;
}

/** A PIN inside a lock, without its digits. */
export interface PlayedCode {
  readonly name: string;
  /** Wall time in milliseconds since 1970; null: without that end. */
  readonly from: number | null;
  readonly until: number | null;
  /** In words for the page, such as "Mon, Tue 09:00 to 12:00". Absent: any hour. */
  readonly hours?: string;
}

/** Whose lock it is, in words for the page. */
export interface Make {
  readonly maker: string;
  /** What it is, such as "strike on a relay". */
  readonly kind: string;
  /** The gateway's driver for it. */
  readonly driver: string;
  /** How the gateway reaches it: without the internet, or only with it. */
  readonly reach: "lan" | "cloud";
  /** What turning it by hand is, such as "Turn the knob". */
  readonly hand: string;
  /** Why no PIN opens it, where somebody might look for that. */
  readonly noPins?: string;
}

export interface PlayedActs {
  /** Pulls the door or pushes it shut; whether it gives way the view shows. */
  moveDoor(open: boolean): void;
  setJam?(on: boolean): void;
  /** Those that are named. */
  setLine(rates: Partial<FaultRates>): void;
  setPower?(on: boolean): void;
  setOnline?(on: boolean): void;
  /** By hand, at the lock. */
  turn?(to: "released" | "secured"): void;
  /** Presses the keys, then enter; not without power. */
  enterPin?(digits: string): void;
  /** Pries it open, or mends it. */
  setTamper?(active: boolean): void;
  /** 0 to 100. */
  drainBattery?(toPercent: number): void;
}

export interface PlayedLock {
  /** Its device id. */
  readonly id: string;
  readonly name: string;
  /** Absent: it is a lockbox of ours. */
  readonly make?: Make;
  readonly acts: PlayedActs;
  view(): PlayedView;
  /** Called after what the view shows has changed, as far as the lock itself notices. */
  onChange(listener: () => void): Unsubscribe;
}

/** A lock of a maker, with what carries its talk: its own server, or its maker's cloud. */
export interface MakersLock extends PlayedLock {
  readonly make: Make;
  /** Resolves once it can be reached, with what a gateway's site file says of it. It keeps its address. */
  start(): Promise<SiteEntry>;
  stop(): Promise<void>;
}

export interface SiteEntry {
  readonly options: object;
  readonly secrets: Readonly<Record<string, string>>;
  /** What the gateway's process needs in its environment to find it. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface MakersLockOptions {
  readonly id: string;
  readonly name: string;
  readonly clock: Clock;
  /** Its maker's cloud lies behind it. */
  readonly internet: Internet;
  /** The gateway's, without TLS; it need not run yet. */
  readonly broker: { readonly host: string; readonly port: number };
  /** IANA name of the site's: what a lock's wall clock shows. */
  readonly zone: string;
  /** For files that the gateway has to read. */
  readonly folder: string;
  /** A new one of that many characters, letters and digits. */
  readonly secret: (length: number) => string;
}
