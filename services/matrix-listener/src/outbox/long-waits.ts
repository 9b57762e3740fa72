import { threadOf } from '../journals/asked.ts';
import { listenerLimits } from '../limits.ts';
import { inThread } from '../message/in-thread.ts';
import { moreWaitMessage, waitMessage } from '../message/notices.ts';
import { messageKey } from '../state/key.ts';
import type { ListenerState, OpenTask } from '../state/listener-state.ts';
import type { StateFile } from '../state/state-file.ts';
import { enqueue } from './enqueue.ts';

type Waiting = OpenTask & { readonly wait: NonNullable<OpenTask['wait']> };

/**
 * Tells the room what holds up tasks that it was asked about, when that lasts. Each kind of wait is told of a task once, whatever
 * comes and goes between, and when many wait at once the first few are told and the others counted: they wait for the same.
 */
export async function tellOfLongWaits(state: StateFile, now: number): Promise<void> {
  const isDue = (each: OpenTask): each is Waiting =>
    each.wait !== null &&
    !each.told.includes(each.wait.kind) &&
    now - Date.parse(each.wait.since) > listenerLimits.waitPatienceMs;
  if (!state.now.tasks.some(isDue)) return;
  await state.update((next) => {
    const due = next.tasks.filter(isDue);
    const [shown, left] = [due.slice(0, listenerLimits.waitLines), due.slice(listenerLimits.waitLines)];
    for (const each of shown) tell(next, each);
    if (left.length > 0)
      enqueue(
        next,
        messageKey('waits', ...left.map(({ task, wait }) => `${task} ${wait.kind} ${wait.since}`)),
        moreWaitMessage(left.length),
      );
    for (const each of due) each.told.push(each.wait.kind);
  });
}

function tell(state: ListenerState, each: Waiting): void {
  const key = messageKey('wait', each.task, each.wait.kind, each.wait.since);
  enqueue(state, key, inThread(waitMessage(each.task, each.droppedAs, each.wait), threadOf(state, each.task)));
}
