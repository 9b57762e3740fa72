/** Takes bytes from a stream in the sizes that are asked for. Holds no more than one piece of the stream beside what was asked for. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes; null when the stream ends before. */
  async take(length: number): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    let missing = length;
    for (;;) {
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      if (part.length > 0) parts.push(part);
      if (missing === 0) return Buffer.concat(parts);
      if (!(await this.#fill())) return null;
    }
  }

  /** The bytes before the first line feed, which is taken as well; null when none comes within `most` bytes. */
  async line(most: number): Promise<Buffer | null> {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end > most || (end < 0 && this.#rest.length > most)) return null;
      if (end >= 0) {
        const line = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return line;
      }
      const before = this.#rest;
      this.#rest = Buffer.alloc(0);
      const isMore = await this.#fill();
      this.#rest = Buffer.concat([before, this.#rest]);
      if (!isMore) return null;
    }
  }

  /** Whether nothing is left. */
  async isAtEnd(): Promise<boolean> {
    return this.#rest.length === 0 && !(await this.#fill());
  }

  async #fill(): Promise<boolean> {
    while (!this.#ended && this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) this.#ended = true;
      else this.#rest = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    return this.#rest.length > 0;
  }
}
