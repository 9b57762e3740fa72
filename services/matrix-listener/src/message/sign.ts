import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { ReactionContent } from './content.ts';

/** The bot's sign on words of a person: they counted. */
export function countedSign(event: MatrixEventId): ReactionContent {
  return { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: '👍' } };
}
