import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { Action, TaskQuestion, TaskRow } from '@countersign/contracts/page-api.ts';
import { openQuestion, type Result, type StatusRow, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, mayFollow, TaskStatus } from '@countersign/contracts/task-state.ts';

/** One line of a list, from what its task's record says. */
export function rowOf(record: TaskRecord): TaskRow {
  const { state } = record;
  return {
    task: record.id,
    file: record.file,
    title: record.title,
    run: record.run,
    workspace: record.workspace,
    stage: record.stage,
    status: state.status,
    reason: state.reason,
    wait: 'wait' in state ? state.wait : null,
    since: state.since,
    accepted_at: record.accepted_at,
    tool: record.tool,
    model: record.model?.name ?? null,
    attempts: record.attempts,
    priority: record.priority,
    depends_on: record.depends_on,
    change: changeOf('result' in state ? state.result : null),
    error_class: state.status === 'failed' ? state.error_class : null,
    question: questionOf(record),
    cancellation: cancellationOf(record),
    actions: actionsOf(record),
  };
}

/** What a person may do: what the table of transitions lets follow on a decision of his. */
function actionsOf(record: TaskRecord): Action[] {
  const { state, cancellation } = record;
  const from = state.status;
  const may: Record<Action, boolean> = {
    // What was interrupted comes back to its approval without one.
    approve: from === 'pending' && mayFollow(from, 'approved'),
    reject: mayFollow(from, 'rejected'),
    revoke: from === 'approved' && mayFollow(from, 'pending'),
    merge: from === 'review' && mayFollow(from, 'merging'),
    rebase: mayFollow(from, 'rebasing'),
    cancel: mayFollow(from, 'cancelled') && cancellation === null,
    retry: isFinal(from) && mayFollow(from, 'queued'),
    answer: awaitsAnswer(record),
  };
  return (Object.keys(may) as Action[]).filter((action) => may[action]);
}

/** Whether its tool waits for a person's words, and would hear them. */
export function awaitsAnswer(record: TaskRecord): boolean {
  return openQuestion(record) !== null && record.cancellation === null;
}

function questionOf({ stage, state }: TaskRecord): TaskQuestion | null {
  if (state.status !== 'running' || state.question === null) return null;
  const { transaction: _, ...question } = state.question;
  return { ...question, needs_code: stage === secondFactorStage };
}

/** What was cancelled says so in its reason. */
function cancellationOf({ state, cancellation }: TaskRecord): TaskRow['cancellation'] {
  if (cancellation === null || isFinal(state.status)) return null;
  const { user, reason } = cancellation;
  return { user, reason };
}

/** A file of the queue that is no task: the runner has not taken it, or it refused it. */
export function rowOfFile({ task, file, state, reason, since }: StatusRow): TaskRow {
  const status = TaskStatus.safeParse(state);
  return {
    task,
    file,
    title: file,
    run: null,
    workspace: null,
    stage: null,
    status: status.data === 'invalid' ? 'invalid' : 'waiting-for-runner',
    reason,
    wait: null,
    since,
    accepted_at: null,
    tool: null,
    model: null,
    attempts: 0,
    priority: 0,
    depends_on: [],
    change: null,
    error_class: null,
    question: null,
    cancellation: null,
    actions: [],
  };
}

function changeOf(result: Result | null): TaskRow['change'] {
  if (result === null) return null;
  const { repositories } = result;
  const sum = (key: 'files' | 'insertions' | 'deletions') =>
    repositories.reduce((total, repository) => total + repository[key], 0);
  return {
    repositories: repositories.length,
    files: sum('files'),
    insertions: sum('insertions'),
    deletions: sum('deletions'),
    flags: [...new Set(repositories.flatMap(({ flags }) => flags))].sort(),
  };
}
