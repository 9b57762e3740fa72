import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { MessageContent, ReactionContent } from '../message/content.ts';
import { countedSign } from '../message/sign.ts';
import { messageKey } from '../state/key.ts';
import type { ListenerState, Outgoing } from '../state/listener-state.ts';

/** Adds a message to those that wait, once. */
export function enqueue(
  state: ListenerState,
  key: string,
  content: MessageContent | ReactionContent,
  request: Outgoing['request'] = null,
): void {
  if (state.outgoing.some((waiting) => waiting.key === key)) return;
  const type = 'msgtype' in content ? 'm.room.message' : 'm.reaction';
  state.outgoing.push({ key, type, content: { ...content }, request });
}

/** Words that counted get a sign. What was tapped says itself what became of it. */
export function signCounted(state: ListenerState, command: string, answerTo: MatrixEventId): void {
  if (state.gates.some(({ event }) => event === answerTo)) return;
  enqueue(state, messageKey('verdict', command), countedSign(answerTo));
}
