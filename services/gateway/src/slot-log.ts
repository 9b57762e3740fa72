import type { SlotId } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Passed } from './pass-through.ts';
import type { Refusal } from './refusal.ts';

const loggedTargetCharacters = 120;

export type RequestEnd = {
  readonly route: string;
  /** `budget`: cut here, because the task's budget is used up. */
  readonly ended: Passed['ended'] | 'budget';
  readonly status: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly tokens: { readonly prompt: number; readonly completion: number };
  readonly duration_ms: number;
};

/** One slot's lines: one for each refusal and each request's end, up to a limit; never a body. */
export class SlotLog {
  readonly #logger: Logger;
  #left: number;

  constructor(logger: Logger, slot: SlotId, lines: number) {
    this.#logger = logger.child({ slot });
    this.#left = lines;
  }

  refused(method: string, target: string, refusal: Refusal): void {
    if (!this.#take()) return;
    const path = target.slice(0, loggedTargetCharacters);
    this.#logger.warn({ method, path, status: refusal.status, reason: refusal.reason }, 'request refused');
  }

  ended(end: RequestEnd): void {
    if (this.#take()) this.#logger.info(end, 'request ended');
  }

  failed(route: string, error: unknown): void {
    if (this.#take()) this.#logger.error({ route, err: error }, 'request failed');
  }

  #take(): boolean {
    this.#left -= 1;
    if (this.#left === 0) this.#logger.warn('slot has used up its log lines; nothing more of it is logged');
    return this.#left > 0;
  }
}
