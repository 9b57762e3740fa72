import { HomeserverError } from './homeserver-error.ts';
import { listenerLimits } from './limits.ts';

/** How long to wait after a failure: twice as long each time, or as long as the homeserver asks for. */
export class Backoff {
  #nextMs: number = listenerLimits.retryMinimumMs;

  after(error: unknown): number {
    const waitMs = this.#nextMs;
    this.#nextMs = Math.min(waitMs * 2, listenerLimits.retryMaximumMs);
    const asked = error instanceof HomeserverError ? error.retryAfterMs : null;
    return Math.max(waitMs, asked ?? 0);
  }

  reset(): void {
    this.#nextMs = listenerLimits.retryMinimumMs;
  }
}
