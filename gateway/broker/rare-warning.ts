/** A warning that a stranger can cause as often as he likes: of each subject the log hears once a minute, and then how often it was. */
import type { Millis, Monotonic } from "../domain/instant.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogFields, Logger } from "../ports/logger.ts";

const apartMs: Millis = 60_000;
const subjectsMax = 1_000;

interface Subject {
  toldAt: Monotonic;
  untold: number;
}

export class RareWarning {
  readonly #event: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** The one told of last stands last. */
  readonly #subjects = new Map<string, Subject>();

  constructor(event: string, logger: Logger, clock: Clock) {
    this.#event = event;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `times` in the log: since the subject's last line, this one included. When there are too many subjects the rest are one. */
  tell(subject: string, fields: LogFields): void {
    const now = this.#clock.monotonic();
    this.#forget(now);
    const key = this.#subjects.has(subject) || this.#subjects.size < subjectsMax ? subject : "";
    const known = this.#subjects.get(key);
    if (known && known.toldAt + apartMs > now) {
      known.untold += 1;
      return;
    }
    this.#subjects.delete(key);
    this.#subjects.set(key, { toldAt: now, untold: 0 });
    this.#logger.warn(this.#event, { ...fields, times: (known?.untold ?? 0) + 1 });
  }

  /** Those of whom nothing is left to tell. */
  #forget(now: Monotonic): void {
    for (const [key, { toldAt, untold }] of this.#subjects) {
      if (toldAt + apartMs > now) return;
      if (untold === 0 || this.#subjects.size >= subjectsMax) this.#subjects.delete(key);
    }
  }
}
