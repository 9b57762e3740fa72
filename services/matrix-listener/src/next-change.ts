/** Tells of each change whoever waits for the next one. A signal, so that who waits no longer can let go of it. */
export class NextChange {
  #next = new AbortController();

  /** Is aborted by the next change. */
  get signal(): AbortSignal {
    return this.#next.signal;
  }

  tell(): void {
    const told = this.#next;
    this.#next = new AbortController();
    told.abort();
  }
}
