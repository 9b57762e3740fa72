/** So many log lines in each window of time, for as long as the process lives. */
export class LineBudget {
  readonly #lines: number;
  readonly #windowMs: number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #used = 0;
  #unwritten = 0;

  constructor(lines: number, windowMs: number) {
    this.#lines = lines;
    this.#windowMs = windowMs;
  }

  /**
   * Takes one line. Null when it has to go unwritten; else how many did since the one before.
   * @param now milliseconds of a clock that never goes back
   */
  take(now: number): number | null {
    if (now - this.#windowStart >= this.#windowMs) {
      this.#windowStart = now;
      this.#used = 0;
    }
    if (this.#used >= this.#lines) {
      this.#unwritten += 1;
      return null;
    }
    this.#used += 1;
    const unwritten = this.#unwritten;
    this.#unwritten = 0;
    return unwritten;
  }
}
