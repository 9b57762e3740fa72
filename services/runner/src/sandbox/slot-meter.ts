import type { OpenSlot, Slot as Reading } from '@countersign/contracts/gateway-api.ts';

/** What a task may use of the model, as the gateway enforces it. */
export type ModelBudget = NonNullable<OpenSlot['budget']>;

/** What the gateway meters of one slot while a task has it: the last that was heard, for a gateway that may have been restarted. */
export class SlotMeter {
  readonly #budget: ModelBudget;
  #last: Reading | null = null;
  #listener: (reading: Reading) => void = () => undefined;

  constructor({ tokens, requests }: ModelBudget) {
    this.#budget = { tokens, requests };
  }

  get last(): Reading | null {
    return this.#last;
  }

  /** What the gateway is told, again and again. */
  get order(): OpenSlot {
    return { budget: this.#budget, ...(this.#last === null ? {} : { spent: this.#last.tokens }) };
  }

  /** There is one listener, the attempt that has the slot. */
  listen(listener: (reading: Reading) => void): void {
    this.#listener = listener;
  }

  /** A gateway that has just come back knows less than it told before; that is passed over. */
  take(reading: Reading): void {
    if (this.#last !== null && isBehind(reading, this.#last)) return;
    this.#last = reading;
    this.#listener(reading);
  }
}

function isBehind({ tokens }: Reading, { tokens: known }: Reading): boolean {
  return tokens.prompt < known.prompt || tokens.completion < known.completion || tokens.requests < known.requests;
}
