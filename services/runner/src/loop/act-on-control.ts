import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, mayFollow } from '@countersign/contracts/task-state.ts';
import type { Context } from '../context.ts';
import type { QueueOrder, TaskControl } from '../gate/authorise-control.ts';
import type { Effect } from './act-on-decision.ts';

/** What a person's steering does to a task once its verdict is durable, and how that is told. Safe to repeat. */
export function controlEffectOf(context: Context, command: TaskControl, record: TaskRecord): Effect {
  const name = `${record.id} (${record.file})`;
  switch (command.kind) {
    case 'cancel':
      return { said: `${name} is being cancelled`, act: () => cancel(context, command, record) };
    case 'retry':
      return { said: `${name} gets another attempt`, act: () => retry(context, command, record) };
    case 'revoke':
      return { said: `the approval of ${name} is taken back`, act: () => revoke(context, command, record) };
    case 'answer':
      return {
        said: `${name} is told ${JSON.stringify(command.subject.answer)}`,
        act: () => answer(context, command, record),
      };
  }
}

export function queueEffectOf({ queue }: Context, command: QueueOrder): Effect {
  const order = { command: command.id, by: command.actor.user };
  if (command.kind === 'resume')
    return { said: 'the queue goes on', act: () => queue.resume({ ...order, reason: '' }) };
  const { reason } = command.subject;
  return {
    said: 'the queue is paused: nothing is begun but merges, and what runs goes on',
    act: () => queue.pause({ ...order, reason }),
  };
}

/** Only remembers it, durably; the work loop ends the task as soon as what is at work on it has let go. */
async function cancel({ tasks, now }: Context, command: TaskControl & { kind: 'cancel' }, record: TaskRecord) {
  const current = tasks.get(record.id);
  if (current === undefined || isFinal(current.state.status) || current.cancellation !== null) return;
  const { channel, user } = command.actor;
  const { reason } = command.subject;
  await tasks.update(
    record.id,
    { cancellation: { command: command.id, channel, user, reason, at: now().toISOString() } },
    {
      event: 'cancel_requested',
      phase: 'queue',
      agent_role: 'operator',
      summary: `${user} cancels it through ${channel}${reason === '' ? '' : `: ${reason}`}`.slice(0, 4_000),
      data: { command_id: command.id },
    },
  );
}

async function retry({ tasks, now }: Context, command: TaskControl & { kind: 'retry' }, record: TaskRecord) {
  const current = tasks.get(record.id);
  if (current === undefined || !isFinal(current.state.status) || !mayFollow(current.state.status, 'queued')) return;
  const { channel, user } = command.actor;
  await tasks.transition(
    record.id,
    { status: 'queued', since: now().toISOString(), reason: `another attempt, as ${user} wants` },
    {
      event: 'task_retried',
      phase: 'queue',
      agent_role: 'operator',
      summary: `${user} asked for another attempt through ${channel}; it was ${current.state.status}`,
      data: { command_id: command.id },
    },
    // It begins where its branches are now, is planned anew, and asks for whatever approval its stage demands.
    { cancellation: null, interruptions: 0, bases: null, retries: current.retries + 1 },
  );
}

async function revoke({ tasks, now }: Context, command: TaskControl & { kind: 'revoke' }, record: TaskRecord) {
  const state = tasks.get(record.id)?.state;
  if (state?.status !== 'approved' || state.approval.command !== command.subject.command) return;
  const { digest, expires_at } = state.approval;
  await tasks.transition(
    record.id,
    {
      status: 'pending',
      since: now().toISOString(),
      reason: `the approval was taken back; waits for approval of ${digest.slice(0, 8)}`,
      digest,
      expires_at,
    },
    {
      event: 'approval_revoked',
      phase: 'gate',
      agent_role: 'operator',
      summary: `the approval by ${state.approval.user} was taken back by ${command.actor.user} through ${command.actor.channel}`,
      data: { command_id: command.id, digest },
    },
  );
}

async function answer({ questions, now }: Context, command: TaskControl & { kind: 'answer' }, record: TaskRecord) {
  const { question, answer: text } = command.subject;
  const { channel, user } = command.actor;
  await questions.end(
    record.id,
    question,
    { outcome: 'answered', text, channel, user, command: command.id, at: now().toISOString() },
    {
      agent_role: 'operator',
      summary: `answered by ${user} through ${channel}: ${JSON.stringify(text)}`.slice(0, 4_000),
      data: { command_id: command.id },
    },
  );
}
