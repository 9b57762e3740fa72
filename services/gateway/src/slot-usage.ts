import { ByteBudget } from './byte-budget.ts';
import type { Limits } from './limits.ts';
import { ModelUsage } from './model-usage.ts';
import type { Refusal } from './refusal.ts';

/** What one slot has used and is using: counts since the gateway started. */
export class SlotUsage {
  readonly held: ByteBudget;
  readonly model = new ModelUsage();
  readonly #limits: Limits;
  #active = 0;
  #sentBytes = 0;

  constructor(limits: Limits, heldOfAllSlots: ByteBudget) {
    this.#limits = limits;
    this.held = new ByteBudget(limits.heldBytes, heldOfAllSlots);
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
}
