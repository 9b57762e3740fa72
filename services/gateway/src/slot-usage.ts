import type { Slot } from '@countersign/contracts/gateway-api.ts';
import { ByteBudget } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import type { Refusal } from './refusal.ts';

/** What one slot has used and is using: counts since the gateway started. */
export class SlotUsage {
  readonly held: ByteBudget;
  readonly #limits: Limits;
  #active = 0;
  #sentBytes = 0;
  #tokens: Slot['tokens'] = { prompt: 0, completion: 0, requests: 0 };

  constructor(limits: Limits, heldOfAllSlots: ByteBudget) {
    this.#limits = limits;
    this.held = new ByteBudget(limits.heldBytes, heldOfAllSlots);
  }

  get tokens(): Slot['tokens'] {
    return { ...this.#tokens };
  }

  /** Takes one of the places for concurrent requests; `leave` gives it back. */
  enter(): Refusal | null {
    if (this.#active >= this.#limits.concurrentRequests) {
      return { status: 429, reason: `this task has ${this.#limits.concurrentRequests} requests under way already` };
    }
    this.#active += 1;
    return null;
  }

  leave(): void {
    this.#active -= 1;
  }

  /** Counts bytes that came from the sandbox, whatever becomes of them. */
  addSent(bytes: number): Refusal | null {
    this.#sentBytes += bytes;
    if (this.#sentBytes <= this.#limits.sentBytes) return null;
    return { status: 429, reason: `this task has sent more than ${this.#limits.sentBytes} bytes to the model` };
  }

  /** Counts a request that was sent on. */
  addRequest(): void {
    this.#tokens.requests += 1;
  }

  addTokens(counts: { prompt: number; completion: number }): void {
    this.#tokens.prompt += counts.prompt;
    this.#tokens.completion += counts.completion;
  }
}
