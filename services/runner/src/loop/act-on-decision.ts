import type { MergeApproval, TaskRecord } from '@countersign/contracts/task-record.ts';
import { mayFollow } from '@countersign/contracts/task-state.ts';
import type { Context } from '../context.ts';
import type { Decision } from '../gate/authorise.ts';
import { handOff, resultOf } from '../work/hand-off.ts';

/** What a decision does once its verdict is durable, and how that is told. Safe to repeat: what was done already is left alone. */
export type Effect = { readonly said: string; readonly act: () => Promise<void> };

/** @param record the task as the decision was judged on it; it may have begun, or ended, by the time of the act */
export function effectOf(context: Context, command: Decision, record: TaskRecord): Effect {
  const name = `${record.id} (${record.file})`;
  const at = context.now().toISOString();
  switch (command.kind) {
    case 'reject':
      return { said: `${name} is rejected`, act: () => reject(context, command, record, at) };
    case 'approve':
      return { said: `${name} is approved`, act: () => approve(context, command, record, at) };
    case 'merge':
      return { said: `${name} is being merged`, act: () => merge(context, command, record, at) };
    case 'rebase':
      return {
        said: `${name} is carried over to where its branches are now`,
        act: () => rebase(context, command, record, at),
      };
  }
}

async function reject(
  context: Context,
  command: Decision & { kind: 'reject' },
  record: TaskRecord,
  at: string,
): Promise<void> {
  const now = context.tasks.get(record.id);
  if (now === undefined || !mayFollow(now.state.status, 'rejected')) return;
  const words = command.subject.reason || 'no reason given';
  await handOff(
    context,
    now,
    { status: 'rejected', since: at, reason: `rejected by ${command.actor.user}: ${words}`.slice(0, 2_000) },
    {
      event: 'task_rejected',
      phase: 'gate',
      agent_role: 'operator',
      summary: `rejected: ${words}`.slice(0, 4_000),
      data: { command_id: command.id },
    },
    {},
    resultOf(now.state),
  );
}

async function approve(
  { tasks }: Context,
  command: Decision & { kind: 'approve' },
  record: TaskRecord,
  at: string,
): Promise<void> {
  const { state } = tasks.get(record.id) ?? record;
  if (record.state.status !== 'pending' || state.status !== 'pending' || state.digest !== record.state.digest) return;
  const { digest, expires_at } = record.state;
  const { channel, user } = command.actor;
  const approval = {
    command: command.id,
    digest,
    channel,
    user,
    evidence: command.evidence,
    decided_at: at,
    expires_at,
  };
  await tasks.transition(
    record.id,
    { status: 'approved', since: at, reason: 'approved; waits for its turn', approval },
    {
      event: 'task_approved',
      phase: 'gate',
      agent_role: 'operator',
      summary: `approved by ${user} through ${channel}`,
      data: { command_id: command.id, digest },
    },
  );
}

async function merge(
  { tasks }: Context,
  command: Decision & { kind: 'merge' },
  record: TaskRecord,
  at: string,
): Promise<void> {
  const { state } = tasks.get(record.id) ?? record;
  if (state.status !== 'review' || state.result.digest !== command.subject.digest) return;
  const { channel, user } = command.actor;
  const approval: MergeApproval = {
    command: command.id,
    digest: command.subject.digest,
    channel,
    user,
    evidence: command.evidence,
    decided_at: at,
    unverified: command.subject.unverified === true,
  };
  await tasks.transition(
    record.id,
    { status: 'merging', since: at, reason: `being merged, as ${user} decided`, result: state.result, approval },
    {
      event: 'merge_started',
      phase: 'merge',
      agent_role: 'operator',
      summary: `merge approved by ${user} through ${channel}`,
      data: { command_id: command.id, digest: command.subject.digest, unverified: approval.unverified },
    },
  );
}

async function rebase(
  { tasks }: Context,
  command: Decision & { kind: 'rebase' },
  record: TaskRecord,
  at: string,
): Promise<void> {
  const { state, attempts } = tasks.get(record.id) ?? record;
  if (state.status !== 'review' || state.result.digest !== command.subject.digest) return;
  await tasks.transition(
    record.id,
    {
      status: 'rebasing',
      since: at,
      reason: 'waits for a sandbox to be carried over in',
      attempt: attempts + 1,
      result: state.result,
    },
    {
      event: 'rebase_started',
      phase: 'review',
      agent_role: 'operator',
      summary: `to be carried over to where its branches are now, as ${command.actor.user} decided`,
      data: { command_id: command.id, digest: state.result.digest },
    },
    // Of its own, so that the diff that is there stays as it is.
    { attempts: attempts + 1 },
  );
}
