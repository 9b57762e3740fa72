import type { TaskId } from '@countersign/contracts/names.ts';
import type { Context } from '../context.ts';

/** Ends requests that nobody decided on in time, and approvals that nothing came of. What is being begun is left alone. */
export async function expireRequests({ tasks, now }: Context, isActive: (id: TaskId) => boolean): Promise<void> {
  const time = now();
  for (const { id, state } of tasks.open()) {
    const end =
      state.status === 'pending' ? state.expires_at : state.status === 'approved' ? state.approval.expires_at : null;
    if (end === null || time.getTime() < Date.parse(end) || isActive(id)) continue;
    const reason = `${state.status === 'approved' ? 'approved, and not begun' : 'nobody decided'} before ${end}`;
    await tasks.transition(
      id,
      { status: 'expired', since: time.toISOString(), reason },
      { event: 'task_expired', phase: 'gate', agent_role: 'runner', summary: `expired at ${end}` },
    );
  }
}
