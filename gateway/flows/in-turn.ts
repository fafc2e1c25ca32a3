/** Requests at one access point run one after the other, those at different ones side by side. */

interface Queue {
  last: Promise<unknown>;
  waiting: number;
}

export class InTurn {
  readonly #waitingMax: number;
  readonly #queues = new Map<string, Queue>();

  /** `waitingMax`: how many may wait at one access point; whoever comes then is turned away. */
  constructor(waitingMax: number) {
    this.#waitingMax = waitingMax;
  }

  /** Runs `task` when those before it at `key` have settled, at once when there are none; undefined when too many wait. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> | undefined {
    const queue = this.#queues.get(key) ?? { last: Promise.resolve(), waiting: 0 };
    if (queue.waiting > this.#waitingMax) return undefined;
    const mine = queue.waiting === 0 ? task() : queue.last.then(task);
    queue.waiting += 1;
    this.#queues.set(key, queue);
    queue.last = mine.then(
      () => this.#leave(key, queue),
      () => this.#leave(key, queue),
    );
    return mine;
  }

  #leave(key: string, queue: Queue): void {
    queue.waiting -= 1;
    if (queue.waiting === 0) this.#queues.delete(key);
  }

  /** Resolves when everything taken so far has settled. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map(({ last }) => last));
  }
}
