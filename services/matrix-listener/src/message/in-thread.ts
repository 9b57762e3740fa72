import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { MessageContent } from './content.ts';

/** The message as an answer to another one, in the thread of that one or in one that it begins. */
export function answeringInThread(
  content: MessageContent,
  answerTo: MatrixEventId,
  root: MatrixEventId | null,
): MessageContent {
  const relation = {
    rel_type: 'm.thread',
    event_id: root ?? answerTo,
    'm.in_reply_to': { event_id: answerTo },
  } as const;
  return { ...content, 'm.relates_to': relation };
}

/** The message in a thread; for clients that know no threads, as an answer to the thread's first message. Null: in the room itself. */
export function inThread(content: MessageContent, root: MatrixEventId | null): MessageContent {
  return root === null ? content : { ...content, 'm.relates_to': threadRelation(root) };
}

export type ThreadRelation = {
  readonly rel_type: 'm.thread';
  readonly event_id: MatrixEventId;
  readonly is_falling_back: true;
  readonly 'm.in_reply_to': { readonly event_id: MatrixEventId };
};

export function threadRelation(root: MatrixEventId): ThreadRelation {
  return { rel_type: 'm.thread', event_id: root, is_falling_back: true, 'm.in_reply_to': { event_id: root } };
}
