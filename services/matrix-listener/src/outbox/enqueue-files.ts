import { messageKey } from '../state/key.ts';
import type { ListenerState, QueuedFile } from '../state/listener-state.ts';

/**
 * Adds the files of a message behind it, each once.
 * @param of the message's key
 * @param about what they belong to: the same file of the same thing is one message, whatever brought it here
 */
export function enqueueFiles(
  state: ListenerState,
  of: string,
  about: string,
  files: readonly Omit<QueuedFile, 'of'>[],
): void {
  for (const file of files) {
    const key = messageKey('file', file.task, about, file.name);
    if (state.outgoing.some((waiting) => waiting.key === key)) continue;
    state.outgoing.push({ key, type: 'm.room.message', content: {}, request: null, file: { ...file, of } });
  }
}
