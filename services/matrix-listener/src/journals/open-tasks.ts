import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import { isHeldUp, waitWords } from '@countersign/contracts/wait-words.ts';
import { listenerLimits } from '../limits.ts';
import type { ListenerState, OpenTask } from '../state/listener-state.ts';

/** Keeps where a task stands as long as it has not ended, and what holds it up where the room was asked about it. */
export function keepTask(state: ListenerState, record: TaskRecord): void {
  const known = state.tasks.find(({ task }) => task === record.id);
  if (isFinal(record.state.status)) {
    state.tasks = state.tasks.filter((each) => each !== known);
    // An approval of what has ended can be taken back no more.
    state.approvals = state.approvals.filter(({ task }) => task !== record.id);
    return;
  }
  const now: OpenTask = {
    task: record.id,
    file: record.file,
    droppedAs: record.dropped_as,
    wait: wasAsked(state, record.id) ? waitOf(record) : null,
    told: known?.told ?? [],
  };
  if (known !== undefined) return void Object.assign(known, now);
  state.tasks.push(now);
  // At once: thousands of files may be dropped together, and each of them is looked for among these.
  if (state.tasks.length > listenerLimits.tasks) state.tasks.shift();
}

/** Whether the room has, or is about to have, a message that asks about a task. */
export function wasAsked({ gates, outgoing }: ListenerState, id: string): boolean {
  return gates.some(({ task }) => task === id) || outgoing.some(({ request }) => request?.task === id);
}

function waitOf({ state }: TaskRecord): OpenTask['wait'] {
  if (!('wait' in state) || state.wait === null || !isHeldUp(state.wait)) return null;
  const { kind, since } = state.wait;
  return { kind, since, words: waitWords(state.wait, state.reason).slice(0, listenerLimits.waitCharacters) };
}
