import type { Logger } from '@countersign/kit/logger.ts';
import { RateBudget } from '@countersign/kit/rate-budget.ts';
import type { Limits } from '../limits.ts';
import type { Passed } from '../pass-through.ts';
import type { DoorRefusal } from './refusal.ts';
import type { DoorRoute } from './routes.ts';

export type DoorRequestEnd = {
  readonly ended: Passed['ended'];
  readonly status: number;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly duration_ms: number;
};

/** The door's lines, limited in rate: routes by their names on the list, never what a request or an answer says. */
export class DoorLog {
  readonly #logger: Logger;
  readonly #budget: RateBudget;

  constructor(logger: Logger, limits: Limits) {
    this.#logger = logger.child({ door: 'matrix' });
    this.#budget = new RateBudget(limits.doorLogLines, limits.doorLogWindowMs);
  }

  /** @param route null for a request that is none of the list's */
  refused(method: string, route: DoorRoute | null, refusal: DoorRefusal): void {
    this.#write('warn', { method, route: route?.path ?? null, ...refusal }, 'request refused');
  }

  /** The homeserver was asked, and its answer did not come or is not passed on. */
  unanswered(route: DoorRoute, refusal: DoorRefusal, durationMs: number): void {
    this.#write('warn', { ...nameOf(route), ...refusal, duration_ms: durationMs }, 'request not answered');
  }

  /** An answer began to pass; one that passed whole and says that all is well is told on the debug level only. */
  ended(route: DoorRoute, end: DoorRequestEnd): void {
    const level = end.ended !== 'passed' ? 'warn' : end.status >= 400 ? 'info' : 'debug';
    this.#write(level, { ...nameOf(route), ...end }, 'request ended');
  }

  failed(route: DoorRoute, error: unknown): void {
    this.#write('error', { ...nameOf(route), err: error }, 'request failed');
  }

  #write(level: 'debug' | 'info' | 'warn' | 'error', fields: object, message: string): void {
    if (!this.#logger.isLevelEnabled(level)) return;
    const unwritten = this.#budget.take(performance.now());
    if (unwritten === null) return;
    this.#logger[level]({ ...fields, ...(unwritten === 0 ? {} : { unwritten_lines: unwritten }) }, message);
  }
}

function nameOf({ method, path }: DoorRoute) {
  return { method, route: path };
}
