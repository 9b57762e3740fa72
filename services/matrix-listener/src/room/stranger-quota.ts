import { listenerLimits } from '../limits.ts';

/** How many people who may not decide get an answer in a while, so that they cannot make the bot flood the room. */
export class StrangerQuota {
  #windowStart = Number.NEGATIVE_INFINITY;
  #taken = 0;

  /** Whether one more may be answered. @param now milliseconds */
  take(now: number): boolean {
    if (now - this.#windowStart >= listenerLimits.strangerWindowMs) {
      this.#windowStart = now;
      this.#taken = 0;
    }
    this.#taken += 1;
    return this.#taken <= listenerLimits.strangerAnswers;
  }
}
