import assert from 'node:assert/strict';

/** Bytes that may be held at once; a part of a larger budget when one is given. Invariant: `0 <= held <= limit`. */
export class ByteBudget {
  readonly #limit: number;
  readonly #whole: ByteBudget | null;
  #held = 0;

  constructor(limit: number, whole: ByteBudget | null) {
    this.#limit = limit;
    this.#whole = whole;
  }

  /** False, and nothing taken, when it does not fit. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#limit) return false;
    if (this.#whole !== null && !this.#whole.take(bytes)) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    assert(bytes <= this.#held, 'more given back than was taken');
    this.#held -= bytes;
    this.#whole?.give(bytes);
  }
}
