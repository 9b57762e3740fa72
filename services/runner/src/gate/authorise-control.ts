import type { Command } from '@countersign/contracts/command.ts';
import type { Stages } from '@countersign/contracts/config/stages.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { openQuestion, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, mayFollow } from '@countersign/contracts/task-state.ts';
import { mayDecideOn, resolveTask, type Verdict } from './authorise.ts';
import { authoriseAnswer } from './authorise-answer.ts';

/** A command by which a person steers one task's way, or tells its tool something, without deciding on what it does. */
export type TaskControl = Command & { kind: 'cancel' | 'retry' | 'revoke' | 'answer' };
export type QueueOrder = Command & { kind: 'pause' | 'resume' };

/** Finds the task that a command means; a file's name means the one task of that name that the command could be about. */
export function resolveControlled({ kind, subject }: TaskControl, tasks: Iterable<TaskRecord>) {
  switch (kind) {
    case 'cancel':
      return resolveTask(subject.task, tasks, ({ state }) => !isFinal(state.status), 'is there that has not ended');
    case 'retry':
      return resolveTask(
        subject.task,
        tasks,
        ({ state }) => isFinal(state.status) && mayFollow(state.status, 'queued'),
        'has ended in a way that can be tried again',
      );
    case 'revoke':
      return resolveTask(subject.task, tasks, ({ state }) => state.status === 'approved', 'is approved and not begun');
    case 'answer':
      return resolveTask(subject.task, tasks, (record) => openQuestion(record) !== null, 'asks anything');
  }
}

/**
 * Whether this person may have this done to this task now. Pure. To stop something is open to everybody who may decide on anything,
 * whatever the task's stage; what begins something is for those who may decide on that stage.
 * @param isActive whether something is at work on it right now
 */
export function authoriseControl(command: TaskControl, record: TaskRecord, stages: Stages, isActive: boolean): Verdict {
  const { id, state } = record;
  const person = command.kind === 'cancel' ? mayStop(command, stages) : mayDecideOn(command, record, stages);
  if (!person.ok) return person;
  switch (command.kind) {
    case 'cancel':
      if (isFinal(state.status)) return refuse(`${id} is ${state.status}: there is nothing to cancel`);
      if (state.status === 'merging')
        return refuse(`${id} is being merged, which is finished or taken back as a whole`);
      return record.cancellation === null ? { ok: true } : refuse(`${id} is being cancelled already`);
    case 'retry':
      if (isFinal(state.status) && mayFollow(state.status, 'queued')) return { ok: true };
      return refuse(
        isFinal(state.status)
          ? `${id} is ${state.status}, which cannot be tried again; drop its file anew`
          : `${id} is ${state.status} and has not ended`,
      );
    case 'revoke':
      if (state.status !== 'approved')
        return refuse(
          `${id} is ${state.status}: no approval of it waits to be spent; to stop it: countersign cancel ${id}`,
        );
      if (state.approval.command !== command.subject.command)
        return refuse(`${id} was approved by another command than the one that is taken back`);
      return isActive ? refuse(`${id} is being started; to stop it: countersign cancel ${id}`) : { ok: true };
    case 'answer':
      return authoriseAnswer(command.subject, record);
  }
}

/** Whether this person may hold up the queue, or let it go on. Pure. */
export function authoriseQueueOrder(command: QueueOrder, stages: Stages, paused: QueueState['paused']): Verdict {
  const person = mayStop(command, stages);
  if (!person.ok) return person;
  if (command.kind === 'pause' && paused !== null)
    return refuse(`the queue is paused already, since ${paused.since}, by ${paused.by}`);
  if (command.kind === 'resume' && paused === null) return refuse('the queue is not paused');
  return { ok: true };
}

/** Whether this person may decide on anything at all. Pure. */
export function mayStop({ actor: { channel, user } }: Pick<Command, 'actor'>, stages: Stages): Verdict {
  const may = Object.values(stages.stages).some(({ decide }) =>
    decide.some((decider) => decider.channel === channel && (decider.persons?.includes(user) ?? true)),
  );
  return may ? { ok: true } : refuse(`${user} may not decide by ${channel}; configs/stages.yaml lists who may`);
}

function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
