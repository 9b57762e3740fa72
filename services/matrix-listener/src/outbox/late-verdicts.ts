import { listenerLimits } from '../limits.ts';
import { waitingMessage } from '../message/answers.ts';
import { messageKey } from '../state/key.ts';
import type { StateFile } from '../state/state-file.ts';
import { enqueue } from './enqueue.ts';

/** Tells the room, once for each, of commands on which the runner has said nothing for a while: they are kept. */
export async function remindOfLateVerdicts(state: StateFile, now: number): Promise<void> {
  const isLate = ({ stands, at }: { stands: string; at: string }) =>
    stands === 'waiting' && now - Date.parse(at) > listenerLimits.verdictPatienceMs;
  if (!state.now.issued.some(isLate)) return;
  await state.update((next) => {
    for (const issued of next.issued.filter(isLate)) {
      issued.stands = 'late';
      enqueue(next, messageKey('late', issued.command), waitingMessage(issued.answerTo, issued.hasCode));
    }
  });
}
