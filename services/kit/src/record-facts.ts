import type { Budget } from '@countersign/contracts/budget.ts';
import type { Verification } from '@countersign/contracts/condition.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import { type TaskRecord, type TaskState, taskFolder } from '@countersign/contracts/task-record.ts';
import { folderOf, type TaskStatus } from '@countersign/contracts/task-state.ts';
import { waitedFor } from '@countersign/contracts/wait-words.ts';
import type { Fact } from './approval-facts.ts';
import { type Attempt, attemptFacts } from './attempt-facts.ts';
import { describeCheck, describeVerification } from './verification-words.ts';

/**
 * Where a task stands. The values hold names and words of somebody else's: whoever shows them makes them inert.
 * @param statusOf where a task stands that this one depends on; undefined where there is none of that id
 */
export function recordFacts(
  record: TaskRecord,
  attempts: readonly Attempt[],
  statusOf: (task: TaskId) => TaskStatus | undefined,
): Fact[] {
  const folder = taskFolder(record);
  return [
    ['task', record.id],
    ['state', `${record.state.status} since ${record.state.since}`],
    ['reason', record.state.reason],
    ...waitFacts(record.state),
    ...cancellationFacts(record),
    ['file', `${folderOf[record.state.status]}/${record.file}`],
    ...(record.file === record.dropped_as ? [] : [['dropped as', record.dropped_as] as const]),
    ['title', record.title],
    ['run', record.run],
    ['stage', `${record.stage}${record.gate ? ', needs approval' : ''}`],
    ['workspace', record.workspace],
    ...baseFacts(record),
    ...(record.memory_task === null ? [] : [['memory task', record.memory_task] as const]),
    ['tool', record.tool],
    ['model', record.model === null ? 'none yet' : describeModel(record.model)],
    ['time limit', `${record.timeout_sec} s`],
    ['budget', budgetWords(record.budget)],
    ...dependencyFacts(record, statusOf),
    ['accepted', record.accepted_at],
    ...attemptFacts(record, attempts),
    ...stateFacts(record.state),
    ['kept in', record.attempts === 0 ? folder : `${folder}/attempts/${record.attempts}`],
  ];
}

function baseFacts({ bases }: TaskRecord): Fact[] {
  if (bases === null) return [['base', 'not fixed yet']];
  return bases.map(({ repository, branch, head }): Fact => ['base', `${repository}, branch ${branch}, commit ${head}`]);
}

function waitFacts(state: TaskState): Fact[] {
  if (!('wait' in state) || state.wait === null) return [];
  return [['waits for', `${waitedFor(state.wait)}, since ${state.wait.since}`]];
}

function cancellationFacts({ cancellation, state }: TaskRecord): Fact[] {
  if (cancellation === null) return [];
  const { user, channel, at, reason } = cancellation;
  const name = state.status === 'cancelled' ? 'cancelled' : 'cancel';
  return [[name, `by ${user} through ${channel} at ${at}${reason === '' ? '' : `: ${reason}`}`]];
}

function dependencyFacts({ depends_on }: TaskRecord, statusOf: (task: TaskId) => TaskStatus | undefined): Fact[] {
  return depends_on.map((id): Fact => ['depends on', `${id}, which is ${statusOf(id) ?? 'not known'}`]);
}

/** What one attempt may use of each. */
function budgetWords({ tokens, requests, output_bytes, disk_bytes }: Budget): string {
  const megabytes = (bytes: number) => `${(bytes / 1_048_576).toLocaleString('en-US')} MiB`;
  const items = [
    ...(tokens === null ? [] : [`${tokens.toLocaleString('en-US')} tokens`]),
    ...(requests === null ? [] : [`${requests.toLocaleString('en-US')} requests`]),
    ...(output_bytes === null ? [] : [`${megabytes(output_bytes)} of output`]),
    ...(disk_bytes === null ? [] : [`${megabytes(disk_bytes)} of disk`]),
  ];
  return items.length === 0 ? 'none of its own' : `${items.join(', ')}, each attempt`;
}

function stateFacts(state: TaskState): Fact[] {
  const facts: Fact[] = [];
  if (state.status === 'failed') facts.push(['error', state.error_class]);
  const decided = state.status === 'done' ? state.merged : 'approval' in state ? state.approval : null;
  if (decided !== null) {
    const { user, channel, decided_at, digest } = decided;
    const what = state.status === 'done' || state.status === 'merging' ? 'merge' : 'approved';
    facts.push([what, `by ${user} through ${channel} at ${decided_at}, digest ${digest}`]);
  }
  if ('result' in state && state.result !== null)
    for (const { name, ref, head, files, insertions, deletions } of state.result.repositories)
      facts.push(['result', `${name}: ${files} files, +${insertions} -${deletions}, commit ${head}, ${ref}`]);
  // What was checked of a result stands with the result.
  else if (state.status === 'done') facts.push(...checkFacts(state.verification));
  return facts;
}

/** How a result stands, and each of its conditions. */
export function checkFacts(verification: Verification): Fact[] {
  return [
    ['checked', describeVerification(verification)],
    ...(verification.status === 'unverified' ? [] : verification.checks).map(
      (check): Fact => ['condition', describeCheck(check)],
    ),
  ];
}
