import { LimitReached } from './limit-reached.ts';
import type { Outcome } from './outcome.ts';

/** @param stop aborted, with the reason that people are to read */
export function stoppedBy(stop: AbortSignal): Outcome {
  const reason: unknown = stop.reason;
  const limit = reason instanceof LimitReached ? reason : undefined;
  return { kind: 'stopped', message: `stopped: ${String(reason)}`, limit };
}
