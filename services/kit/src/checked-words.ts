import type { TaskRecord } from '@countersign/contracts/task-record.ts';

/** What is known of a task's result, from exit codes alone, and why it was not merged when that was last asked for. */
export function checkedWords({ state }: TaskRecord): string {
  switch (state.status) {
    case 'review':
      return [state.result.verification.status, ...new Set(state.refusals.map(({ code }) => code))].join(', ');
    case 'rebasing':
    case 'merging':
      return state.result.verification.status;
    case 'done':
      return state.verification.status;
    case 'failed':
      return state.result?.verification.status ?? '-';
    case 'queued':
    case 'planning':
    case 'pending':
    case 'approved':
    case 'running':
    case 'verifying':
    case 'interrupted':
    case 'cancelled':
    case 'invalid':
    case 'rejected':
    case 'expired':
      return '-';
  }
}
