import type { Command } from '@countersign/contracts/command.ts';
import { type Stage, type Stages, secondFactorOf, secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { refuseByPolicy } from './may-merge.ts';

/** A command by which a person decides on a task. */
export type Decision = Command & { kind: 'approve' | 'reject' | 'merge' | 'rebase' };
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * Whether this person may decide on this task now. Pure; the signature was checked before. Authority comes from
 * `configs/stages.yaml` alone, and what is decided on is the digest that the person was shown.
 */
export function authorise(command: Decision, record: TaskRecord, stages: Stages, now: Date): Verdict {
  const person = mayDecideOn(command, record, stages);
  if (!person.ok) return person;
  switch (command.kind) {
    case 'approve':
      return mayApprove(command.subject.digest, record, now);
    case 'reject':
      return mayReject(command.subject.digest, record);
    case 'merge':
      return mayMerge(command.subject, record, stages);
    case 'rebase':
      return mayRebase(command.subject.digest, record);
  }
}

/** Whether this person may decide on tasks of this one's stage at all. */
export function mayDecideOn({ actor }: Pick<Command, 'actor'>, record: TaskRecord, stages: Stages): Verdict {
  const stage = stages.stages[record.stage];
  if (stage === undefined) return refuse(`stage ${record.stage} is no longer in configs/stages.yaml`);
  const { channel, user } = actor;
  if (record.stage === secondFactorStage && channel === 'matrix' && !lists(stage, channel))
    return refuse(
      `${secondFactorStage} is decided at the machine itself, or on the dashboard with a one-time code: scripts/countersign show ${record.id}, then scripts/countersign approve, merge, rebase or reject ${record.id}`,
    );
  const may = stage.decide.some((decider) => decider.channel === channel && (decider.persons?.includes(user) ?? true));
  if (!may)
    return refuse(`${user} may not decide on stage ${record.stage} by ${channel}; configs/stages.yaml lists who may`);
  return { ok: true };
}

function lists({ decide }: Stage, channel: Command['actor']['channel']): boolean {
  return decide.some((decider) => decider.channel === channel);
}

/** Whether a command, where it is allowed, needs a one-time code beside its signature: what lets something happen on `prod`. Pure. */
export function needsCode(
  { kind, actor }: Pick<Command, 'kind' | 'actor'>,
  { stage }: Pick<TaskRecord, 'stage'>,
): boolean {
  const allows = kind === 'approve' || kind === 'merge' || kind === 'answer';
  return allows && stage === secondFactorStage && secondFactorOf[actor.channel] !== 'alone';
}

function mayMerge(
  { digest, unverified }: (Command & { kind: 'merge' })['subject'],
  record: TaskRecord,
  stages: Stages,
): Verdict {
  const { id, state } = record;
  if (state.status === 'merging') return refuse(`${id} is being merged already`);
  if (state.status !== 'review') return refuse(`${id} is ${state.status} and has nothing to merge`);
  const refusals = refuseByPolicy(stages, record, state.result, { digest, unverified: unverified === true });
  const [first] = refusals;
  return first === undefined ? { ok: true } : refuse(`${first.code}: ${first.repository}: ${first.message}`);
}

function mayRebase(digest: string, { id, state }: TaskRecord): Verdict {
  if (state.status !== 'review') return refuse(`${id} is ${state.status} and has nothing to carry over`);
  if (digest !== state.result.digest)
    return refuse(`the diff of ${id} is now ${state.result.digest.slice(0, 8)}, not ${digest.slice(0, 8)}`);
  return { ok: true };
}

function mayApprove(digest: string, { id, state }: TaskRecord, now: Date): Verdict {
  switch (state.status) {
    case 'pending':
      if (state.digest !== digest)
        return refuse(
          `what ${id} would run is now ${state.digest.slice(0, 8)}, not ${digest.slice(0, 8)}; look at it again`,
        );
      if (now.getTime() >= Date.parse(state.expires_at)) return refuse(`the request expired at ${state.expires_at}`);
      return { ok: true };
    case 'approved':
    case 'running':
      return refuse(`${id} is approved already`);
    case 'planning':
      return refuse(`${id} is still being planned`);
    case 'review':
      return refuse(`${id} is past its approval; what waits now is the merge of its diff: countersign merge ${id}`);
    case 'queued':
    case 'verifying':
    case 'interrupted':
    case 'rebasing':
    case 'merging':
    case 'done':
    case 'failed':
    case 'cancelled':
    case 'invalid':
    case 'rejected':
    case 'expired':
      return refuse(`${id} is ${state.status} and waits for no approval`);
  }
}

function mayReject(digest: string | undefined, { id, state }: TaskRecord): Verdict {
  const shown =
    state.status === 'pending'
      ? state.digest
      : state.status === 'approved'
        ? state.approval.digest
        : state.status === 'review'
          ? state.result.digest
          : null;
  if (shown === null) return refuse(`${id} is ${state.status} and waits for no decision`);
  if (digest !== undefined && digest !== shown)
    return refuse(`${id} is now ${shown.slice(0, 8)}, not ${digest.slice(0, 8)}; look at it again`);
  return { ok: true };
}

type Named = { readonly ok: true; readonly record: TaskRecord } | { readonly ok: false; readonly reason: string };

/**
 * Finds the task that a person names: by its id, or by its file among those that it can be about.
 * @param isMeant by default those that wait for a decision
 * @param words what there is none of, when there is none
 */
export function resolveTask(
  name: string,
  tasks: Iterable<TaskRecord>,
  isMeant = ({ state }: TaskRecord) => ['pending', 'approved', 'review'].includes(state.status),
  words = 'waits for a decision',
): Named {
  const all = [...tasks];
  const byId = all.find((record) => record.id === name);
  if (byId !== undefined) return { ok: true, record: byId };
  // How Unicode puts a name's characters together is not seen, and a phone does it otherwise than a Mac's file system.
  const called = (nameOf: (record: TaskRecord) => string) =>
    all.filter((record) => nameOf(record).normalize('NFC') === name.normalize('NFC') && isMeant(record));
  const byFile = called(({ file }) => file);
  const waiting = byFile.length > 0 ? byFile : called(({ dropped_as }) => dropped_as);
  const [only, ...others] = waiting;
  if (only === undefined) return { ok: false, reason: `no task ${JSON.stringify(name)} ${words}` };
  if (others.length > 0)
    return {
      ok: false,
      reason: `${JSON.stringify(name)} is ${waiting.map((record) => record.id).join(' and ')}; name the id`,
    };
  return { ok: true, record: only };
}

function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
