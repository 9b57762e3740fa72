import { sha256 } from '@countersign/kit/digest.ts';
import type { Gate, OpenTask, Request } from '../state/listener-state.ts';
import { eventId } from './room-events.ts';

/** What is asked about a task; its digest is made from the task's name unless it is told otherwise. */
export function makeRequest(change: Partial<Request> = {}): Request {
  const task = change.task ?? 'gated';
  return {
    asks: 'approval',
    task,
    run: 'RUN-20261120-001',
    stage: 'staging',
    digest: sha256(task),
    file: `${task}.md`,
    droppedAs: `${task}.md`,
    thread: null,
    ...change,
  };
}

/** A gate message that the room has shown, first of all unless it is told otherwise. */
export function makeGate(change: Partial<Gate> = {}): Gate {
  const request = makeRequest(change);
  return { ...request, event: eventId(`gate-${request.task}`), seen: 1, closed: false, ...change };
}

/** A task that has not ended and waits for nothing in particular. */
export function makeOpenTask(change: Partial<OpenTask> & Pick<OpenTask, 'task'>): OpenTask {
  return { file: `${change.task}.md`, droppedAs: `${change.task}.md`, wait: null, told: [], ...change };
}
