import type { Readable } from 'node:stream';
import type { Capture } from './capture.ts';

/** A capture's room for several programs, one after the other: what one does not use is the later ones', never the reverse. */
export class FairShare {
  readonly #capture: Capture;
  readonly #budgetBytes: number;
  readonly #parts: number;
  #usedBytes = 0;

  constructor(capture: Capture, budgetBytes: number, parts: number) {
    this.#capture = capture;
    this.#budgetBytes = Math.max(0, budgetBytes);
    this.#parts = parts;
  }

  /** @param part which of them it is, from 0 */
  async take(stream: Readable, part: number): Promise<void> {
    const before = this.#capture.source.bytes;
    const room = Math.floor((this.#budgetBytes * (part + 1)) / this.#parts) - this.#usedBytes;
    await this.#capture.take(stream, undefined, before + room);
    this.#usedBytes += this.#capture.source.bytes - before;
  }
}
