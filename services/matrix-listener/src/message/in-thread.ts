import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { MessageContent } from './content.ts';

/** The message in a thread; for clients that know no threads, as an answer to the thread's first message. Null: in the room itself. */
export function inThread(content: MessageContent, root: MatrixEventId | null): MessageContent {
  if (root === null) return content;
  return {
    ...content,
    'm.relates_to': {
      rel_type: 'm.thread',
      event_id: root,
      is_falling_back: true,
      'm.in_reply_to': { event_id: root },
    },
  };
}
