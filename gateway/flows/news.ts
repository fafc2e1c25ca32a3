/** Wakes whoever waits for the records or the time to be others than they were. */
export class News {
  #next = new AbortController();

  /** Fires with the next news. Take it before you look, so that nothing comes in between. */
  get signal(): AbortSignal {
    return this.#next.signal;
  }

  tell(): void {
    const told = this.#next;
    this.#next = new AbortController();
    told.abort();
  }
}
