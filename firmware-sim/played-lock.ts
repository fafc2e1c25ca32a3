/** A lock as the control page plays it, whoever made it: what a person in front of it sees, and what he can do. What it lacks is absent. */
import type { FaultRates } from "./faults.ts";
import type { Verdict } from "./sim-lockbox.ts";

type Unsubscribe = () => void;

export interface PlayedView {
  readonly powered: boolean;
  readonly bolt: "released" | "secured" | "jammed";
  readonly door: "open" | "closed";
  /** Something blocks the bolt. */
  readonly jammed: boolean;
  /** What goes wrong on its line. */
  readonly line: FaultRates;
  /** Whether its broker has let it in. Absent: only the gateway knows whether they reach each other. */
  readonly connected?: boolean;
  /** Absent: it hangs on the mains. */
  readonly batteryPercent?: number;
  readonly tamper?: boolean;
  /** Of its keypad; empty without power. */
  readonly display?: string;
  /** How often it beeped with the text on the display. */
  readonly beeps?: number;
  /** Of its keypad. `at`: milliseconds since 1970. */
  readonly lastVerdict?: { readonly verdict: Verdict; readonly at: number } | null;
}

export interface PlayedActs {
  /** Pulls the door or pushes it shut; whether it gives way the view shows. */
  moveDoor(open: boolean): void;
  setJam(on: boolean): void;
  /** Those that are named. */
  setLine(rates: Partial<FaultRates>): void;
  setPower?(on: boolean): void;
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
  readonly acts: PlayedActs;
  view(): PlayedView;
  /** Called after what the view shows has changed, as far as the lock itself notices. */
  onChange(listener: () => void): Unsubscribe;
}
