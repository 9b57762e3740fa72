import type { Demand } from './body-policy.ts';
import type { Limits } from './limits.ts';
import type { Running } from './model-usage.ts';

type Seen = {
  /** As the model server says at an answer's end. */
  readonly counts: { readonly prompt: number; readonly completion: number };
  /** Tokens that came in a stream, at least. */
  readonly written: number;
  /** Of the answer; null when the client left, or was cut off, before there was one. */
  readonly status: number | null;
  readonly bytesIn: number;
  readonly elapsedMs: number;
};

/**
 * The tokens that a request is charged with: what the model server says. An answer that does not say, because it broke off or
 * its client did not ask for figures, is estimated: otherwise whoever leaves just before the end would use the model for nothing.
 */
export function chargeFor(
  { demand: { isStream, contextTokens }, running: { mostTokens } }: { demand: Demand; running: Running },
  { counts, written, status, bytesIn, elapsedMs }: Seen,
  limits: Pick<Limits, 'estimatedBytesPerToken' | 'estimatedTokensPerSecond'>,
): { prompt: number; completion: number } {
  if (counts.prompt + counts.completion > 0) return counts;
  if (status !== null && status >= 400) return counts;
  const unseen = Math.ceil((elapsedMs / 1000) * limits.estimatedTokensPerSecond);
  return {
    prompt: Math.min(contextTokens, Math.ceil(bytesIn / limits.estimatedBytesPerToken)),
    completion: isStream ? written : Math.min(mostTokens, unseen),
  };
}
