import type { NewState, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { EventDetail } from '../state/task-store.ts';

/**
 * Brings tasks of a house that has just moved in to where they can go on. The archive may be of yesterday, and nobody here knows what
 * the house decided since: a request, and an approval that was not spent, are void, so that no old answer to them counts. They are
 * planned anew and asked for with another digest. What was at work has no sandbox here; that it is begun again is not its own fault.
 * Nothing is at work yet when this is called. Safe to repeat.
 */
export async function voidAfterMove({ tasks, now }: Pick<Context, 'tasks' | 'now'>): Promise<void> {
  for (const record of tasks.open()) {
    const moved = movedState(record, now().toISOString());
    if (moved !== null) await tasks.transition(record.id, moved.state, moved.detail, moved.bases);
  }
}

type Moved = { readonly state: NewState; readonly detail: EventDetail; readonly bases: { bases: null } | undefined };

function movedState({ state }: TaskRecord, since: string): Moved | null {
  const gate = { phase: 'gate', agent_role: 'runner' } as const;
  switch (state.status) {
    case 'pending':
    case 'approved': {
      const what = state.status === 'pending' ? 'the request' : 'the approval';
      const reason = `${what} is void: the house was moved; it is planned and asked for anew`;
      const digest = state.status === 'pending' ? state.digest : state.approval.digest;
      return {
        state: { status: 'queued', since, reason },
        detail: { event: 'task_requeued', ...gate, summary: reason, data: { digest } },
        bases: { bases: null },
      };
    }
    case 'planning': {
      const reason = 'the house was moved while it was planned; it is planned anew';
      return {
        state: { status: 'queued', since, reason },
        detail: { event: 'task_interrupted', phase: 'plan', agent_role: 'runner', summary: reason },
        bases: undefined,
      };
    }
    case 'running': {
      const { attempt, approval } = state;
      const reason = 'interrupted: the house was moved, and its sandbox did not; one new attempt will be made';
      return {
        state: { status: 'interrupted', since, reason, attempt, approval },
        detail: { event: 'task_interrupted', phase: 'run', agent_role: 'runner', summary: reason },
        bases: undefined,
      };
    }
    case 'queued':
    case 'interrupted':
    case 'verifying':
    case 'rebasing':
    case 'review':
    case 'merging':
    case 'done':
    case 'failed':
    case 'cancelled':
    case 'invalid':
    case 'rejected':
    case 'expired':
      return null;
  }
}
