import { listenerLimits } from './limits.ts';

/** How long a file that fails is tried again. Kept in memory alone: a start begins anew. */
export class Patience {
  readonly #clock: () => number;
  readonly #failingSince = new Map<string, number>();

  /** @param clock milliseconds of a clock that does not go back */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
  }

  /** Notes that one has failed. Whether it is to be tried again; when it is not, it is forgotten. */
  lasts(key: string): boolean {
    const since = this.#failingSince.get(key) ?? this.#clock();
    const isLeft = this.#clock() - since <= listenerLimits.filePatienceMs;
    if (isLeft) this.#failingSince.set(key, since);
    else this.#failingSince.delete(key);
    return isLeft;
  }

  /** It has not failed this time. */
  forget(key: string): void {
    this.#failingSince.delete(key);
  }
}
