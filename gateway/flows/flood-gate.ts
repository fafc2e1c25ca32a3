/** Keeps a device that reports without end from the disk, and so from the doors of all the others. */
import type { DeviceId } from "../domain/access-point.ts";
import type { Millis, Monotonic } from "../domain/instant.ts";
import { GatewayError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { Allowance } from "../wire/allowance.ts";

/** More than doors and people do. */
const reports = { perSecond: 60, burst: 600 };
/** Of one device on their way to the disk. */
const waitingMax = 600;
const tellEveryMs: Millis = 60_000;

export class FloodGate {
  readonly #device: DeviceId;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #allowance = new Allowance(reports);
  #waiting = 0;
  #turnedAway = 0;
  #toldAt: Monotonic = Number.NEGATIVE_INFINITY;

  constructor(device: DeviceId, clock: Clock, logger: Logger) {
    this.#device = device;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Rejects with `device-floods` what is too much, before anything is done for it. */
  async pass(take: () => Promise<void>): Promise<void> {
    const now = this.#clock.monotonic();
    if (this.#waiting >= waitingMax || !this.#allowance.takeNow(now)) throw this.#turnAway(now);
    this.#waiting += 1;
    try {
      await take();
    } finally {
      this.#waiting -= 1;
    }
  }

  #turnAway(now: Monotonic): GatewayError {
    this.#turnedAway += 1;
    if (now - this.#toldAt >= tellEveryMs) {
      this.#toldAt = now;
      this.#logger.warn("device-floods", { device: this.#device, turnedAway: this.#turnedAway });
    }
    return new GatewayError("device-floods", `${this.#device} reports more than can be taken in`);
  }
}
