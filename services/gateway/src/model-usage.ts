import type { OpenSlot, Slot } from '@countersign/contracts/gateway-api.ts';
import type { Demand } from './body-policy.ts';
import type { Refusal } from './refusal.ts';

export type ModelBudget = NonNullable<OpenSlot['budget']>;
type Tokens = Slot['tokens'];
type Counts = { readonly prompt: number; readonly completion: number };

/** A request that the model works on, as its budget has it. */
export type Running = {
  /** Tokens that the model may write for it. */
  readonly mostTokens: number;
  /** Aborted when the budget is used up before the answer has ended. */
  readonly cut: AbortController;
  /** Tokens of a streamed answer that have come so far, at least. */
  written: number;
  /** What an answer in one piece may come to, for nothing is known of it before its end. */
  readonly reserved: number;
};

type Begun =
  | { readonly status: 'begun'; readonly running: Running }
  | { readonly status: 'refused'; readonly refusal: Refusal };

/**
 * What one slot has used of the model, and its budget. Invariants: no more requests are begun than the budget has; no request may
 * have more written than is left when it begins; once the budget is used up, it stays so. What a prompt takes is known at the
 * answer's end, so the requests that are under way then may exceed the budget by their prompts.
 */
export class ModelUsage {
  readonly #running = new Set<Running>();
  #tokens: Tokens = { prompt: 0, completion: 0, requests: 0 };
  #budget: ModelBudget = { tokens: null, requests: null };
  #refused: Slot['exceeded'] = null;

  get tokens(): Tokens {
    return { ...this.#tokens };
  }

  /** The item of which more was asked for, or used, than there is. */
  get exceeded(): Slot['exceeded'] {
    const { tokens } = this.#budget;
    return this.#refused ?? (tokens !== null && this.#used > tokens ? 'tokens' : null);
  }

  allow(budget: ModelBudget): void {
    this.#budget = budget;
    this.#cutExceeding();
  }

  /** What the runner knows of the time before this gateway; of each count the larger one is true. */
  goOnFrom(spent: Tokens): void {
    const { prompt, completion, requests } = this.#tokens;
    this.#tokens = {
      prompt: Math.max(prompt, spent.prompt),
      completion: Math.max(completion, spent.completion),
      requests: Math.max(requests, spent.requests),
    };
    this.#cutExceeding();
  }

  /** A request is sent on, unless the budget is used up. `end` follows in any case. */
  begin({ writes, isStream }: Demand): Begun {
    const { tokens, requests } = this.#budget;
    if (this.#refused === null && requests !== null && this.#tokens.requests >= requests) this.#refused = 'requests';
    if (this.#refused === null && tokens !== null && this.#used >= tokens) this.#refused = 'tokens';
    if (this.#refused !== null) return { status: 'refused', refusal: this.refusal(this.#refused) };
    const room = tokens === null ? Number.POSITIVE_INFINITY : tokens - this.#used - this.#written - this.#reserved;
    if (room <= 0) return { status: 'refused', refusal: reserved };
    this.#tokens.requests += 1;
    const mostTokens = Math.min(writes, room);
    const running = { mostTokens, cut: new AbortController(), written: 0, reserved: isStream ? 0 : mostTokens };
    this.#running.add(running);
    return { status: 'begun', running };
  }

  /** @param written tokens that have come so far, at least */
  progress(running: Running, written: number): void {
    running.written = Math.max(running.written, written);
    this.#cutExceeding();
  }

  end(running: Running, { prompt, completion }: Counts): void {
    this.#running.delete(running);
    this.#tokens.prompt += prompt;
    this.#tokens.completion += completion;
    this.#cutExceeding();
  }

  /** With a status that clients take for final: what is used up does not come back by asking again. */
  refusal(item: 'tokens' | 'requests'): Refusal {
    const { tokens, requests } = this.#budget;
    const reason =
      item === 'tokens'
        ? `this task's budget of ${tokens ?? 0} tokens is used up (${this.#used} were used); the model answers no more`
        : `this task's budget of ${requests ?? 0} requests to the model is used up; the model answers no more`;
    return { status: 403, reason, code: `budget_${item}` };
  }

  get #used(): number {
    return this.#tokens.prompt + this.#tokens.completion;
  }

  get #written(): number {
    return [...this.#running].reduce((sum, { written }) => sum + written, 0);
  }

  get #reserved(): number {
    return [...this.#running].reduce((sum, { reserved }) => sum + reserved, 0);
  }

  /** Only what is certain cuts an answer; what is reserved may never be written. */
  #cutExceeding(): void {
    const { tokens } = this.#budget;
    if (tokens === null || this.#running.size === 0 || this.#used + this.#written <= tokens) return;
    this.#refused ??= 'tokens';
    for (const { cut } of this.#running) cut.abort(new Error('the budget of tokens is used up'));
  }
}

const reserved: Refusal = {
  status: 429,
  reason:
    'the requests under way may use up what is left of this task’s budget of tokens; try again when one has ended',
};
