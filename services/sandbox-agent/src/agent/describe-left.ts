import { printableLine } from '../printable.ts';
import { agentLimits } from './limits.ts';
import type { Change } from './list-changes.ts';

/** What could not be kept, the largest of it by name. @param left the smallest first, and at least one */
export function describeLeft(why: string, left: readonly Change[]): string {
  const largest = left.toReversed().slice(0, agentLimits.namedLeftOut);
  const named = largest.map(({ path, bytes }) => `${printableLine(path.toString('utf8'))} (${bytes ?? 0} bytes)`);
  const more = left.length - largest.length;
  return `${why}: ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''} could not be kept`;
}
