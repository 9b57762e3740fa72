import type { Budget } from '@countersign/contracts/budget.ts';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import { type TaskRecord, type TaskState, taskFolder } from '@countersign/contracts/task-record.ts';
import { folderOf } from '@countersign/contracts/task-state.ts';
import { waitedFor } from '@countersign/contracts/wait-words.ts';
import { approvalFacts, type Fact } from '@countersign/kit/approval-facts.ts';
import type { ApprovalView } from '@countersign/kit/approval-view.ts';
import { type Attempt, attemptFacts } from './attempt-facts.ts';
import { formatFacts } from './facts.ts';
import { checkFacts } from './review-text.ts';

/**
 * What a person reads before deciding: facts that we state, then the model's words, each line marked so that none of them can
 * pass for a fact, then the digest that the decision names. Everything comes from the bytes that the digest covers, but for
 * the title.
 */
export function approvalLines(record: TaskRecord, view: ApprovalView): string[] {
  const { digest, bundle, plan } = view;
  return [
    ...formatFacts(approvalFacts(record, view)),
    '',
    'The plan. These are the words of the model, not of Countersign:',
    ...inertLines(plan).map((line) => `| ${line}`),
    '',
    `digest ${digest}`,
    `short  ${digest.slice(0, 8)}`,
    '',
    `Approve: countersign approve ${bundle.task} --digest ${digest.slice(0, 8)}`,
    `Reject:  countersign reject ${bundle.task} <reason>`,
  ];
}

/** Where a task stands that does not wait for an approval. @param records all of them, for what it depends on */
export function recordLines(
  record: TaskRecord,
  attempts: readonly Attempt[],
  records: readonly TaskRecord[],
): string[] {
  const folder = taskFolder(record);
  return formatFacts([
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
    ...dependencyFacts(record, records),
    ['accepted', record.accepted_at],
    ...attemptFacts(record, attempts),
    ...stateFacts(record.state),
    ['kept in', record.attempts === 0 ? folder : `${folder}/attempts/${record.attempts}`],
  ]);
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

function dependencyFacts({ depends_on }: TaskRecord, records: readonly TaskRecord[]): Fact[] {
  return depends_on.map((id): Fact => {
    const other = records.find((record) => record.id === id);
    return ['depends on', other === undefined ? `${id}, which is not known` : `${id}, which is ${other.state.status}`];
  });
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
