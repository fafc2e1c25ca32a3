/** One account's ring-client-api at work, in the child process: one API object for as long as the process lives, which is a day at most. */
import { setTimeout as pause } from "node:timers/promises";
import { RingApi } from "ring-client-api";
import type { ParentLine } from "../common/child-side.ts";
import type { FetchGuard } from "./fetch-guard.ts";
import { RingHub } from "./ring-hub.ts";
import { RingIntercom } from "./ring-intercom.ts";
import type { Answer, Ask, Begin, Facts, News } from "./wire.ts";

/** Its pushes and sessions fall silent after about a day for some; whatever it leaks goes with it. */
const dayMs = 24 * 3_600_000;
/** For all places to list what they have. */
const searchMs = 15_000;
const namedMax = 10;
/** The one end that is no news, if it does not take long. */
const renewal = "a day is over";
const unreachedMs = 60_000;

export class RingSession {
  readonly #begin: Begin;
  readonly #parent: ParentLine<News>;
  readonly #guard: FetchGuard;
  readonly #api: RingApi;
  readonly #hubs: RingHub[] = [];
  readonly #intercoms = new Map<string, RingIntercom>();
  readonly #found: string[] = [];
  readonly #keeping = new Map<number, () => void>();
  #tokens = 0;
  #moving = 0;
  #isOver = false;

  constructor(begin: Begin, parent: ParentLine<News>, guard: FetchGuard) {
    this.#begin = begin;
    this.#parent = parent;
    this.#guard = guard;
    const { token, systemId, locations, pollMs } = begin;
    this.#api = new RingApi({
      refreshToken: token,
      systemId,
      controlCenterDisplayName: "Postern",
      ...(locations && { locationIds: locations }),
      ...(this.#wanted("intercom").size > 0 && { cameraStatusPollingSeconds: pollMs / 1_000 }),
    });
  }

  open(): void {
    this.#api.onRefreshTokenUpdated.subscribe(({ newRefreshToken }) => {
      this.#tokens += 1;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#keeping.set(this.#tokens, resolve);
      this.#guard.hold(promise);
      this.#parent.tell({ news: "token", number: this.#tokens, token: newRefreshToken });
    });
    void this.#visit().catch((error: Error) => {
      const { status, awayMs = 0 } = this.#guard.lastFailure ?? {};
      this.giveUp(status === undefined ? `no places: ${error.message}` : `no places: Ring answered ${status}`, awayMs);
    });
    void this.#endAfterADay();
  }

  async answer(ask: Ask): Promise<Answer> {
    if (ask.do === "token-kept") {
      this.#keeping.get(ask.number)?.();
      this.#keeping.delete(ask.number);
      return { result: "confirmed" };
    }
    if (this.#isOver) return { result: "refused", why: "the session is over" };
    this.#moving += 1;
    try {
      return await this.#move(ask);
    } finally {
      this.#moving -= 1;
    }
  }

  /** Ends the process. What is on its way to the parent, an answer above all, comes before. */
  giveUp(why: string, awayMs: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (why !== renewal) for (const { id } of this.#begin.devices) this.#eventsOf(id).gone(why);
    void this.end().then(() => this.#parent.end(why, awayMs));
  }

  /** Nothing is sent any more, and no token gets lost on its way. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#guard.close();
    this.#api.disconnect();
    await pause(0);
  }

  async #move({ device, to, budgetMs }: Extract<Ask, { do: "move" }>): Promise<Answer> {
    const intercom = this.#intercoms.get(device);
    if (intercom) {
      if (to === "secured") return { result: "refused", why: "its pulse ends by itself" };
      return intercom.pulse(budgetMs);
    }
    const hub = this.#hubs.find((each) => each.knows(device));
    return hub?.move(device, to, budgetMs) ?? { result: "refused", why: "it was not found yet" };
  }

  async #visit(): Promise<void> {
    const [locks, intercoms] = [this.#wanted("lock"), this.#wanted("intercom")];
    const locations = this.#api.getLocations();
    void this.#complain(locations);
    for (const location of await locations) {
      for (const one of location.intercoms) {
        const id = String(one.id);
        this.#found.push(`${id} (${one.name})`);
        if (!intercoms.has(id)) continue;
        const intercom = new RingIntercom(one, this.#guard, this.#begin.pollMs, this.#eventsOf(id));
        this.#intercoms.set(id, intercom);
        intercom.open();
      }
      if (locks.size === 0 || !location.hasHubs) continue;
      const hub = new RingHub(location, locks, {
        here: (device, facts) => this.#eventsOf(device).here(facts),
        gone: (device, why) => this.#eventsOf(device).gone(why),
        broken: (why) => {
          const isNeeded = [...locks].some((zid) => hub.knows(zid) || !this.#hubs.some((each) => each.knows(zid)));
          if (isNeeded) this.giveUp(why, this.#guard.lastFailure?.awayMs ?? 0);
        },
      });
      this.#hubs.push(hub);
      hub.open();
    }
    await pause(searchMs);
    const names = () => [...this.#found, ...this.#hubs.flatMap(({ found }) => found)].slice(0, namedMax).join(", ");
    for (const { id } of this.#begin.devices)
      if (!this.#intercoms.has(id) && !this.#hubs.some((hub) => hub.knows(id)))
        this.#parent.tell({ news: "absent", device: id, known: names().slice(0, 400) });
  }

  /** The library itself asks again for as long as it takes, and settles when it has an answer. */
  async #complain(answered: Promise<unknown>): Promise<void> {
    const isLate = await Promise.race([
      answered.then(
        () => false,
        () => false,
      ),
      pause(unreachedMs, true),
    ]);
    if (isLate) this.#parent.log("warn", "ring-not-reached", { afterMs: unreachedMs });
  }

  async #endAfterADay(): Promise<void> {
    await pause(dayMs);
    while (this.#moving > 0) await pause(1_000);
    this.giveUp(renewal, 0);
  }

  #wanted(kind: "lock" | "intercom"): ReadonlySet<string> {
    return new Set(this.#begin.devices.flatMap((device) => (device.kind === kind ? [device.id] : [])));
  }

  #eventsOf(device: string) {
    return {
      here: (facts: Facts) => this.#parent.tell({ news: "here", device, facts }),
      gone: (why: string) => this.#parent.tell({ news: "gone", device, why }),
    };
  }
}
