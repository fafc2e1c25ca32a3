/** Wakes whoever waits for a site to change: by the site's id held polls, by `eventsOf` live event streams. */

/** New events of the site were taken in. Its gateways' polls sleep on, because an entry is no news for them. */
export function eventsOf(site: string): string {
  return `${site}/events`;
}

interface Waiting {
  /** How often the site was woken since someone began to wait. */
  count: number;
  readonly waiters: Set<() => void>;
}

export class Wakes {
  readonly #sites = new Map<string, Waiting>();

  /** Asks to be told of the next wake. Ask before reading, or a change between reading and asking is missed. */
  next(site: string): { readonly woken: Promise<void>; readonly count: number; cancel(): void } {
    const waiting = this.#sites.get(site) ?? { count: 0, waiters: new Set() };
    this.#sites.set(site, waiting);
    let resolve: () => void = () => undefined;
    const woken = new Promise<void>((done) => {
      resolve = done;
    });
    waiting.waiters.add(resolve);
    return {
      woken,
      count: waiting.count,
      cancel: () => {
        waiting.waiters.delete(resolve);
        if (waiting.waiters.size === 0) this.#sites.delete(site);
      },
    };
  }

  wake(site: string): void {
    const waiting = this.#sites.get(site);
    if (!waiting) return;
    waiting.count += 1;
    for (const waiter of [...waiting.waiters]) waiter();
  }

  /** News may have been missed: everyone looks again. */
  wakeAll(): void {
    for (const site of [...this.#sites.keys()]) this.wake(site);
  }

  /** How many wait now. */
  get waiting(): number {
    let count = 0;
    for (const { waiters } of this.#sites.values()) count += waiters.size;
    return count;
  }
}
