/** So many of something in each window of time, for as long as the process lives. */
export class RateBudget {
  readonly #most: number;
  readonly #windowMs: number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #used = 0;
  #refused = 0;

  constructor(most: number, windowMs: number) {
    this.#most = most;
    this.#windowMs = windowMs;
  }

  /**
   * Takes one. Null when there is none left; else how many were refused since the one before.
   * @param now milliseconds; a clock that goes back gives nobody more
   */
  take(now: number): number | null {
    if (now - this.#windowStart >= this.#windowMs) {
      this.#windowStart = now;
      this.#used = 0;
    }
    if (this.#used >= this.#most) {
      this.#refused += 1;
      return null;
    }
    this.#used += 1;
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }
}
