/** Standard output and error of a tool together: what is beyond is not kept, and told once. */
export class OutputBudget {
  readonly #limitBytes: number;
  readonly #onExceeded: (usedBytes: number) => void;
  #used = 0;

  /** @param limitBytes infinity where there is no budget */
  constructor(limitBytes: number, onExceeded: (usedBytes: number) => void) {
    this.#limitBytes = limitBytes;
    this.#onExceeded = onExceeded;
  }

  /** Counts a piece of output. Returns how much of it may be kept, in bytes. */
  take(bytes: number): number {
    const before = this.#used;
    this.#used += bytes;
    if (before <= this.#limitBytes && this.#used > this.#limitBytes) this.#onExceeded(this.#used);
    return Math.max(0, Math.min(bytes, this.#limitBytes - before));
  }
}
