import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Question } from '@countersign/contracts/question.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Pending } from '@countersign/kit/approval-view.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import type { Review } from '@countersign/kit/review-view.ts';
import type { ListenerState, Outgoing, Request } from '../state/listener-state.ts';
import type { Announcing } from './announce.ts';

/** What the room is asked about a task that waits for a decision. */
export function requestOf(
  { now, mayRing }: Pick<Announcing, 'now' | 'mayRing'>,
  { id, run, stage, file, dropped_as, state }: Pending | Review,
  asks: Request['asks'],
): Request {
  const at = now();
  return {
    asks,
    task: id,
    run,
    stage,
    digest: state.status === 'pending' ? state.digest : state.result.digest,
    file,
    droppedAs: dropped_as,
    thread: null,
    question: null,
    askedAt: new Date(at).toISOString(),
    expiresAt: state.status === 'pending' ? state.expires_at : null,
    isSilent: !mayRing(stage, at),
  };
}

/** What a task's tool asks the room. */
export function questionOf(
  { now, mayRing }: Pick<Announcing, 'now' | 'mayRing'>,
  { id: task, run, stage, file, dropped_as: droppedAs }: TaskRecord,
  { id, text, options, deadline }: Question,
): Request {
  const at = now();
  return {
    asks: 'answer',
    task,
    run,
    stage,
    digest: sha256(JSON.stringify([id, text, options])),
    file,
    droppedAs,
    thread: null,
    question: { id, options },
    askedAt: new Date(at).toISOString(),
    expiresAt: deadline,
    isSilent: !mayRing(stage, at),
  };
}

/** The first message of the thread that tells of a task, which is the last one about it in the room itself; null before there is one. */
export function threadOf({ gates }: ListenerState, task: string): MatrixEventId | null {
  const last = gates.findLast((gate) => gate.task === task);
  return last === undefined ? null : (last.thread ?? last.event);
}

/** What was shown and then being decided waits again, from now on. */
export function reopen(state: ListenerState, { task, digest, askedAt }: Request): void {
  const newest = state.gates.findLast((gate) => gate.task === task && gate.digest === digest);
  if (newest?.closed === true) Object.assign(newest, { closed: false, askedAt, calls: 0 });
}

/** Takes back what was asked about a task, but for one digest: what nobody has seen yet, nobody has to. */
export function drop(state: ListenerState, task: string, digest: string | null): void {
  const isOver = ({ request }: Outgoing) => request?.task === task && request.digest !== digest;
  const over = state.outgoing.filter(isOver);
  const keys = new Set(over.map(({ key }) => key));
  for (const { key, request } of over) state.withdrawn.push({ key, request });
  state.outgoing = state.outgoing.filter(({ key, file }) => !keys.has(key) && !keys.has(file?.of ?? ''));
  for (const gate of state.gates) if (gate.task === task && gate.digest !== digest) gate.closed = true;
}
