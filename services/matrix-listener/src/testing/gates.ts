import { sha256 } from '@countersign/kit/digest.ts';
import { messageKey } from '../state/key.ts';
import { type Gate, newGate, type OpenTask, type Outgoing, type Request } from '../state/listener-state.ts';
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
    question: null,
    askedAt: null,
    expiresAt: null,
    isSilent: false,
    ...change,
  };
}

/** A gate message that the room has shown, first of all unless it is told otherwise. */
export function makeGate(change: Partial<Gate> = {}): Gate {
  const request = makeRequest(change);
  return { ...newGate(request, eventId(`gate-${request.task}`), 1), ...change };
}

/** A message that waits, under the key of a name. */
export function makeOutgoing(name: string, request: Outgoing['request'] = null): Outgoing {
  return { key: messageKey(name), type: 'm.room.message', content: { body: 'x' }, request };
}

/** A task that has not ended and waits for nothing in particular. */
export function makeOpenTask(change: Partial<OpenTask> & Pick<OpenTask, 'task'>): OpenTask {
  return { file: `${change.task}.md`, droppedAs: `${change.task}.md`, wait: null, told: [], ...change };
}
