import type { TokenCount } from '@countersign/contracts/event.ts';
import { TaskFailure } from './failure.ts';
import type { Reply } from './message.ts';

/** Counts what the model was asked and what it answered, against a budget. */
export class Meter {
  readonly #budgetTokens: number;
  #count: TokenCount = { prompt: 0, completion: 0, requests: 0 };

  constructor(budgetTokens: number) {
    this.#budgetTokens = budgetTokens;
  }

  get count(): TokenCount {
    return this.#count;
  }

  /** @param estimatedTokens of the prompt, for a server that does not count it (a cached prompt, in older ones) */
  add({ promptTokens, completionTokens }: Reply, estimatedTokens: number): void {
    const prompt = promptTokens > 0 ? promptTokens : estimatedTokens;
    this.#count = {
      prompt: this.#count.prompt + prompt,
      completion: this.#count.completion + completionTokens,
      requests: this.#count.requests + 1,
    };
  }

  /** @throws TaskFailure `token_budget` when it is used up */
  check(): void {
    const used = this.#count.prompt + this.#count.completion;
    if (used >= this.#budgetTokens)
      throw new TaskFailure(
        'token_budget',
        `the budget of ${this.#budgetTokens} tokens is used up (${used} were used)`,
      );
  }
}
