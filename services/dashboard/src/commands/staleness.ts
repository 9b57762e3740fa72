import type { TaskDetail } from '@countersign/contracts/page-api.ts';
import { openQuestion, type TaskRecord, type TaskState } from '@countersign/contracts/task-record.ts';
import type { RunnerRequest } from './asked-command.ts';

/** A request about one task. */
export type TaskRequest = Extract<RunnerRequest, { task: string }>;

/** Why what a person saw is not what there is now; null when it is. The runner, whose word counts, decides again. */
export function staleness(request: TaskRequest, { record, row, approval }: TaskDetail): string | null {
  const { state } = record;
  switch (request.kind) {
    case 'approve':
      if (state.status !== 'pending' || state.digest !== request.digest) return changed(state);
      return approval !== null && 'unreadable' in approval ? `It cannot be shown now: ${approval.unreadable}` : null;
    case 'merge':
    case 'rebase':
      return state.status === 'review' && state.result.digest === request.digest ? null : changed(state);
    case 'reject':
      if (request.digest !== undefined && request.digest !== shownDigest(state)) return changed(state);
      return row.actions.includes('reject') ? null : changed(state);
    case 'revoke':
      return 'approval' in state && state.approval?.command === request.command ? null : changed(state);
    case 'cancel':
    case 'retry':
      return row.actions.includes(request.kind) ? null : changed(state);
    case 'answer':
      return openQuestion(record)?.id === request.question && record.cancellation === null ? null : unasked(record);
  }
}

/** Why a question that was shown is answered by nobody any more. */
function unasked({ state, cancellation }: TaskRecord): string {
  if (state.status !== 'running') return changed(state);
  const now =
    cancellation !== null
      ? 'The task is being cancelled.'
      : state.question?.answer === null
        ? 'The task asks something else by now.'
        : 'The question has come to its end.';
  return `${now} Nothing was sent; look at it again.`;
}

function changed({ status }: TaskState): string {
  return `The task has changed since it was shown here: it is ${status} now. Nothing was done; look at it again.`;
}

/** Of what a person is asked about. */
function shownDigest(state: TaskState): string | null {
  if (state.status === 'pending') return state.digest;
  return state.status === 'review' ? state.result.digest : null;
}
