import { createHash } from 'node:crypto';
import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';

/** The id of the command that an event becomes. */
export function commandIdOf(event: MatrixEventId): string {
  return idOf(event);
}

/** The id of the command that takes back what an event gave. */
export function revocationIdOf(event: MatrixEventId): string {
  return idOf(`revoke:${event}`);
}

/** No event's id begins as anything else does that has an id made here. */
function idOf(what: string): string {
  return createHash('sha256').update(`matrix:${what}`).digest('base64url');
}
