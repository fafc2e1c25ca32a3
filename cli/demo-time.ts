/** The demo's time machine: its programs leap together, forwards, and nobody who is waited for at that moment is given up. */
import type { Internet } from "../firmware-sim/internet.ts";
import type { Landmark, TimeMachine, TimeView } from "../firmware-sim/time-machine.ts";
import type { Logger } from "../gateway/ports/logger.ts";
import { systemClock } from "../gateway/system-clock.ts";
import { HttpProblem } from "../web/problem.ts";
import type { DemoClock } from "./demo-clock.ts";

export interface DemoTimeOptions {
  readonly clock: DemoClock;
  /** IANA, of the site. */
  readonly zone: string;
  /** The programs beside this one. Resolves with false for one that has not taken it over in time. */
  readonly services: readonly { leapTo(aheadMs: number): Promise<boolean> }[];
  readonly internet: Pick<Internet, "interrupt">;
  /** Moments to come, soonest first. */
  readonly landmarks: () => { readonly checkIns: readonly Landmark[]; readonly checkouts: readonly Landmark[] };
  /** So late it is going to be: called before anything is written down under that time. */
  readonly keep: (aheadMs: number) => Promise<void>;
  /** The gateway has reached the cloud since it leapt, or there is no way to. */
  readonly isInStep: () => Promise<boolean>;
  /** Every code is where it should be by now, or nobody can put it there. */
  readonly isNothingUnderWay: (signal: AbortSignal) => Promise<boolean>;
  /** Called when the view has changed. */
  readonly onChange: () => void;
  readonly logger: Logger;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const leapMaxMs = 8 * dayMs;
/** Of all leaps in one folder. Longer, and what the product keeps for a time would begin to go. */
const aheadMaxMs = 60 * dayMs;
/**
 * In between, what fell due is done. No two steps are longer than two heartbeats of a box, and while codes are under way no longer than a driver
 * leaves between two looks at a lock.
 */
const stepMs = { usual: hourMs, short: 5 * 60_000 };
const restMs = { least: 500, look: 200, most: 5_000, underWay: 15_000 };
/** So long a whole leap waits for codes under way, because a lock that is away may keep them there for ever. */
const patienceMs = 60_000;
/** A code that ends at a moment has ended a little later by everybody's clock. */
const pastMs = 1_000;

export class DemoTime implements TimeMachine {
  readonly #options: DemoTimeOptions;
  readonly #stopping = new AbortController();
  #leap: TimeView["leap"] = null;
  #leaping: Promise<void> = Promise.resolve();

  constructor(options: DemoTimeOptions) {
    this.#options = options;
  }

  view(): TimeView {
    const { clock, zone, landmarks } = this.#options;
    const { checkIns, checkouts } = landmarks();
    return {
      ...{ zone, aheadMs: clock.aheadMs, leftMs: aheadMaxMs - clock.aheadMs, leap: this.#leap },
      nextCheckIn: checkIns[0] ?? null,
      nextCheckout: checkouts[0] ?? null,
    };
  }

  leapTo(at: number): Promise<void> {
    return this.leap(Math.max(0, at - this.#options.clock.wall()) + pastMs);
  }

  async leap(ms: number): Promise<void> {
    const { clock, keep, onChange, logger } = this.#options;
    if (this.#leap) throw new HttpProblem(409, "leaping", "Time is leaping already: wait until it is there.");
    if (ms > leapMaxMs)
      throw new HttpProblem(409, "too-far", "That is more than 8 days away: go there in several leaps.");
    const fromMs = clock.aheadMs;
    const toMs = fromMs + Math.ceil(ms);
    if (toMs > aheadMaxMs)
      throw new HttpProblem(409, "too-late", "The demo is at most 60 days ahead: begin it anew in another folder.");
    this.#leap = { fromMs, toMs };
    try {
      await keep(toMs);
    } catch (error) {
      this.#leap = null;
      throw error;
    }
    onChange();
    this.#leaping = this.#go(toMs)
      .catch((error: Error) => logger.error("leap-failed", { error }))
      .finally(() => {
        this.#leap = null;
        onChange();
      });
  }

  /** Where a leap has come to by then, the programs end; the next start begins where it was going. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#leaping;
  }

  async #go(toMs: number): Promise<void> {
    const { clock, onChange, isInStep, isNothingUnderWay } = this.#options;
    const { signal } = this.#stopping;
    const patientUntil = systemClock.monotonic() + patienceMs;
    while (clock.aheadMs < toMs && !signal.aborted) {
      const patienceLeft = Math.max(0, patientUntil - systemClock.monotonic());
      const isQuiet = await this.#isSoon(() => isNothingUnderWay(signal), Math.min(restMs.underWay, patienceLeft));
      const step = stepMs[isQuiet || patienceLeft === 0 ? "usual" : "short"];
      await this.#step(Math.min(toMs, this.#nextStop(), clock.aheadMs + step));
      onChange();
      await systemClock.sleep(restMs.least, signal).catch(() => undefined);
      await this.#isSoon(isInStep, restMs.most);
    }
  }

  /** Where somebody comes or goes: what is due then is done then. */
  #nextStop(): number {
    const { clock, landmarks } = this.#options;
    const offset = clock.wall() - clock.aheadMs;
    const { checkIns, checkouts } = landmarks();
    const stops = [...checkIns, ...checkouts].map(({ at }) => Math.ceil(at - offset) + pastMs);
    return Math.min(...stops.filter((stop) => stop > clock.aheadMs));
  }

  /** Nothing that was said before is heard after it: whoever is a little later than another would doubt the other's clock. */
  async #step(aheadMs: number): Promise<void> {
    const { clock, services, internet, logger } = this.#options;
    await internet.interrupt(async () => {
      clock.leapTo(aheadMs);
      const taken = await Promise.all(services.map((service) => service.leapTo(aheadMs)));
      if (taken.includes(false)) logger.warn("leap-late", { aheadMs });
    });
  }

  /** Whether it comes to hold within `ms`, by real time. */
  async #isSoon(holds: () => Promise<boolean>, ms: number): Promise<boolean> {
    const { signal } = this.#stopping;
    const endsAt = systemClock.monotonic() + ms;
    while (!(await holds())) {
      if (systemClock.monotonic() >= endsAt || signal.aborted) return false;
      await systemClock.sleep(restMs.look, signal).catch(() => undefined);
    }
    return true;
  }
}
