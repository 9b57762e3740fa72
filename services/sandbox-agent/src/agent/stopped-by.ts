import type { Outcome } from './outcome.ts';

/** @param stop aborted, with the reason that people are to read */
export function stoppedBy(stop: AbortSignal): Outcome {
  return { kind: 'stopped', message: `stopped: ${String(stop.reason)}` };
}
