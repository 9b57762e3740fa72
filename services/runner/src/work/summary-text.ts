import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Delivery } from '../sandbox/exchange.ts';

/** `agent-summary.md`: facts of ours first, then the agent's words, marked as the agent's and never at the start of a line. */
export function summaryText(record: TaskRecord, delivery: Delivery, result: Result | null): string {
  const { end } = delivery;
  const model = record.model === null ? 'unknown' : describeModel(record.model);
  const changes = result?.repositories.map(
    ({ name, files, insertions, deletions, ref }) => `${name}: ${files} files, +${insertions} -${deletions}, ${ref}`,
  ) ?? ['none'];
  const words = (delivery.summary ?? '').trim();
  return [
    '# Agent Run Summary',
    '',
    `- task: ${record.id} (${inertLine(record.dropped_as)})`,
    `- workspace: ${record.workspace}`,
    `- stage: ${record.stage}`,
    `- attempt: ${record.attempts}`,
    `- model: ${model}`,
    ...(record.bases ?? []).map(({ repository, branch, head }) => `- base commit: ${repository} ${head} (${branch})`),
    `- changes: ${changes.join('; ')}`,
    `- exit: ${end.reason}${end.exit_code === null ? '' : `, code ${end.exit_code}`}`,
    `- tokens: ${end.tokens.prompt} in, ${end.tokens.completion} out, ${end.tokens.requests} requests`,
    '',
    "## The agent's own words",
    '',
    ...(words === '' ? ['> (none)'] : inertLines(words).map((line) => `> ${line}`)),
    '',
  ].join('\n');
}
