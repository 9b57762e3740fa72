import type { ErrorClass } from '@countersign/contracts/event.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { changeOf } from './change-line.ts';

/** For whoever takes the task up next, made from facts alone. */
export type Sentences = { readonly what: string; readonly blocker: string; readonly next: string };

const logs = "read stdout.log and stderr.log of the attempt, and the agent's own words below";
const again = 'have it tried again (countersign retry), or drop a better task file';

const nextAfter = {
  tool_failed: `Find out why the tool failed: ${logs}; then ${again}.`,
  tool_missing: `Make configs/tools.yaml and the image agree on the tool, then ${again}.`,
  timeout: `Look at what was done so far; give the task more time with timeout_sec, or make it smaller, then ${again}.`,
  stopped: `If the work is still wanted, ${again}.`,
  sandbox_lost: `Look at the launcher's health; then ${again}.`,
  protocol: `Look at the runner's log, for the sandbox did not speak as agreed; then ${again}.`,
  result_refused: `Read why the result was refused, and ${again} in other words.`,
  workspace_unusable: `Mend the workspace as the reason says, then ${again}.`,
  workspace_too_large: `Choose a sandbox profile with more room, then ${again}.`,
  model_missing: `Make the model available, then ${again}.`,
  model_unreachable: `Look at the model server; then ${again}.`,
  model_context_too_small: `Choose a model with a larger context or make the task smaller, then ${again}.`,
  model_failed: `Look at the model server's own log; then ${again}.`,
  plan_missing: `Say more precisely what is wanted, then ${again}.`,
  step_limit: `Look at what was done so far; make the task smaller, then ${again}.`,
  token_budget: `Look at what was done so far; make the task smaller or its budget larger, then ${again}.`,
  budget_tokens: `Look at what was done so far; make the task smaller or its budget larger, then ${again}.`,
  budget_requests: `Look at what was done so far; make the task smaller or its budget larger, then ${again}.`,
  budget_output: `Look at what was done so far: ${logs}; have it say less or give it a larger budget, then ${again}.`,
  budget_disk: `Look at what was done so far; have it write less or give it a larger budget, then ${again}.`,
  repeated_calls: `The agent went in circles: ${logs}; say more precisely what is wanted, then ${again}.`,
  interrupted_twice: `Look at the launcher's and the runner's health; then ${again}.`,
  unanswered: `Nobody answered what it asked: say it in the task, then ${again}.`,
  file_changed: `Nothing of this attempt was kept; the task begins anew with the file as it is.`,
  precondition_failed: `Make the precondition hold, then ${again}.`,
  postcondition_failed: `Read the saved diff and the output of the condition; mend what is wrong, then ${again}.`,
  rebase_conflict: `The work does not fit to where its branch is now: ${again}, so that it is made upon that.`,
  internal: `Look at the runner's log, for this is a fault of ours; then ${again}.`,
} as const satisfies Record<ErrorClass, string>;

/** What happened, what is in the way, and what comes next, by the state that a task is in. */
export function sentencesOf({ id, action, state }: TaskRecord): Sentences {
  const { reason } = state;
  switch (state.status) {
    case 'done':
      return done(state, action);
    case 'review': {
      const { result } = state;
      return {
        what: `Made a change that waits for review: ${changesOf(result)}.`,
        blocker: blockerOf(result.verification, state.refusals),
        next: `Review the saved diff ${result.digest.slice(0, 8)}, then approve its merge (countersign merge ${id}) or close it (countersign reject ${id}).`,
      };
    }
    case 'failed':
      return {
        what:
          state.result === null
            ? `Failed (${state.error_class}); there is no result.`
            : `Failed (${state.error_class}); what was done is kept: ${changesOf(state.result)}.`,
        blocker: reason,
        next: nextAfter[state.error_class],
      };
    case 'cancelled':
      return { what: 'Cancelled.', blocker: reason, next: `If the work is still wanted: countersign retry ${id}.` };
    case 'rejected':
      return {
        what: 'Rejected by a person.',
        blocker: reason,
        next: `Change what was objected to, then ${again}.`,
      };
    case 'expired':
      return {
        what: 'Expired: nobody decided in time.',
        blocker: reason,
        next: `If it is still wanted: countersign retry ${id}.`,
      };
    case 'invalid':
      return { what: 'Not accepted.', blocker: reason, next: `Mend the task file, then ${again}.` };
    case 'interrupted':
      return { what: 'Interrupted.', blocker: reason, next: 'Nothing is to be done: one new attempt will be made.' };
    case 'queued':
      return { what: 'Not carried out yet.', blocker: reason, next: 'Nothing is to be done: it is tried again.' };
    case 'planning':
    case 'pending':
    case 'approved':
    case 'running':
    case 'verifying':
    case 'rebasing':
    case 'merging':
      return { what: `Under way (${state.status}).`, blocker: 'none', next: `Nothing is to be done: ${reason}.` };
  }
}

type State = TaskRecord['state'];

function done(state: State & { status: 'done' }, action: TaskRecord['action']): Sentences {
  const none = { blocker: 'none', next: 'Nothing is left to do.' };
  if (action === 'plan') return { ...none, what: 'Wrote a plan; nothing was carried out.', next: 'Read the plan.' };
  if (state.result === null) return { ...none, what: `Ended without a change. ${verdict(state.verification.status)}` };
  if (state.merged === null) return { ...none, what: `Done: ${changesOf(state.result)}.` };
  const { user, channel } = state.merged;
  const who = channel === 'task-file' ? 'as the task file says' : `approved by ${user} (${channel})`;
  const branches = [...new Set(state.result.repositories.map(({ branch }) => branch))].join(', ');
  return { ...none, what: `Merged into ${branches}, ${who}: ${changesOf(state.result)}.` };
}

function verdict(status: 'verified' | 'failed' | 'unverified'): string {
  if (status === 'unverified') return 'No postcondition was checked.';
  return status === 'verified' ? 'Its postconditions hold.' : 'Its postconditions do not hold.';
}

function blockerOf(
  verification: (State & { status: 'review' })['result']['verification'],
  refusals: (State & { status: 'review' })['refusals'],
): string {
  const [refusal] = refusals;
  if (refusal !== undefined) return `The merge was refused (${refusal.code}): ${refusal.message}`;
  if (verification.status === 'verified') return 'none';
  if (verification.status === 'unverified')
    return 'No postcondition was checked, so nothing but a person tells whether it is right.';
  const failed = verification.checks.filter((check) => check.exit_code !== 0);
  return `Postconditions do not hold: ${failed.map(({ command }) => JSON.stringify(command)).join(', ')}.`;
}

function changesOf(result: Result): string {
  return result.repositories.map(changeOf).join('; ');
}
