/** Keeps the first and the last bytes of an output of any length. */
export class HeadTail {
  readonly #half: number;
  #head = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #bytes = 0;

  /** @param limitBytes of both together */
  constructor(limitBytes: number) {
    this.#half = Math.floor(limitBytes / 2);
  }

  add(data: Buffer): void {
    this.#bytes += data.length;
    const room = this.#half - this.#head.length;
    if (room > 0) this.#head = Buffer.concat([this.#head, data.subarray(0, room)]);
    if (data.length <= room) return;
    this.#tail = Buffer.concat([this.#tail, data.subarray(Math.max(room, data.length - this.#half))]).subarray(
      -this.#half,
    );
  }

  /** As text, with a line that says what is missing in the middle. */
  text(): string {
    const missing = this.#bytes - this.#head.length - this.#tail.length;
    const gap = missing > 0 ? `\n[… ${missing} bytes left out …]\n` : '';
    return this.#head.toString('utf8') + gap + this.#tail.toString('utf8');
  }
}
