/** One value that is asked for at most every so often, and once at a time however many are waiting for it. */
export class Recent<Value> {
  readonly #ask: () => Promise<Value>;
  readonly #freshMs: number;
  #pending: Promise<Value> | null = null;
  #last: { readonly value: Value; readonly at: number } | null = null;

  constructor(ask: () => Promise<Value>, freshMs: number) {
    this.#ask = ask;
    this.#freshMs = freshMs;
  }

  /** What was last learned, however old; null before the first answer. */
  get last(): Value | null {
    return this.#last?.value ?? null;
  }

  async get(): Promise<Value> {
    if (this.#last !== null && performance.now() - this.#last.at < this.#freshMs) return this.#last.value;
    this.#pending ??= this.#learn().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #learn(): Promise<Value> {
    const value = await this.#ask();
    this.#last = { value, at: performance.now() };
    return value;
  }
}
