import { createHash } from 'node:crypto';

/** The key of a message: the same for the same thing, however often it is announced. */
export function messageKey(...what: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 32);
}
