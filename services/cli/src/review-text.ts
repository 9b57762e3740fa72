import type { DiffIndex } from '@countersign/contracts/diff-index.ts';
import type { AgentHandoff, Handoff } from '@countersign/contracts/handoff.ts';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Fact } from '@countersign/kit/approval-facts.ts';
import { flaggedFiles } from '@countersign/kit/flagged-files.ts';
import { checkFacts } from '@countersign/kit/record-facts.ts';
import type { ReviewView } from '@countersign/kit/review-view.ts';
import { formatFacts } from './facts.ts';
import { cliLimits } from './limits.ts';
import { refusalLines } from './refusal-text.ts';

/** What a result is: facts that we state, then the agent's words, each line marked so that none of them can pass for a fact. */
export function resultLines(record: TaskRecord, result: Result, { index, handoff }: ReviewView): string[] {
  return [
    ...formatFacts([...repositoryFacts(index), ...flagFacts(index, record.id), ...checkFacts(result.verification)]),
    ...agentLines(handoff),
    '',
    `digest ${result.digest}`,
    `short  ${result.digest.slice(0, 8)}`,
  ];
}

/** What can be done with a result that waits to be merged, and what is in the way of it. */
export function reviewSteps({ id }: TaskRecord, result: Result, refusals: readonly MergeRefusal[]): string[] {
  const short = result.digest.slice(0, 8);
  const isVerified = result.verification.status === 'verified';
  const unverified = isVerified ? '' : ' --unverified';
  return [
    ...(refusals.length === 0 ? [] : ['', 'Not merged when that was last asked for:', ...refusalLines(id, refusals)]),
    '',
    ...(isVerified ? [] : ['No postcondition was checked: --unverified says that you know and want it all the same.']),
    `Merge:  countersign merge ${id} --digest ${short}${unverified}`,
    ...(refusals.some(({ code }) => code === 'moved')
      ? [`Rebase: countersign rebase ${id}   (onto where its branches are now; verified and shown anew)`]
      : []),
    ...lookSteps(id),
    `Reject: countersign reject ${id} <reason>`,
  ];
}

/** Where the result can be looked at. */
export function lookSteps(task: string): string[] {
  return [`Look:   countersign diff ${task}`, `Open:   scripts/countersign open ${task}`];
}

function repositoryFacts({ repositories }: DiffIndex): Fact[] {
  return repositories.flatMap(({ name, branch, base_head, head, totals, patch }): Fact[] => [
    ['repository', `${name}, branch ${branch}, from ${base_head} to ${head}`],
    [
      'changes',
      `${name}: ${totals.files} ${totals.files === 1 ? 'file' : 'files'}, +${totals.insertions} -${totals.deletions}, a diff of ${patch.bytes} bytes`,
    ],
  ]);
}

function flagFacts(index: DiffIndex, task: string): Fact[] {
  const { files, unlisted } = flaggedFiles(index);
  if (files.length + unlisted === 0) return [['needs eyes', 'nothing that is known to']];
  const left = files.length + unlisted - Math.min(files.length, cliLimits.flaggedFiles);
  return [
    ...files
      .slice(0, cliLimits.flaggedFiles)
      .map(({ repository, path, why }): Fact => ['needs eyes', `${repository}: ${path} (${why})`]),
    ...(left > 0 ? [['needs eyes', `and ${left} more: countersign diff ${task} --stat`] as const] : []),
  ];
}

function agentLines(handoff: Handoff | null): string[] {
  const lines = handoff?.agent == null ? [] : wordsOf(handoff.agent).flatMap(inertLines);
  if (lines.length === 0) return ['', 'The agent left no words with this result.'];
  return [
    '',
    'What the agent says of its work. These are its words, not Countersign’s, and nothing of them was checked:',
    ...lines.map((line) => `| ${line}`),
  ];
}

function wordsOf({ what, evidence, blocker, next }: AgentHandoff): string[] {
  const said = (name: string, words: string | undefined) => (words === undefined ? [] : [`${name}: ${words}`]);
  return [
    ...said('what', what),
    ...(evidence?.changed ?? []).map((line) => `changed: ${line}`),
    ...(evidence?.validation ?? []).map((line) => `validation: ${line}`),
    ...said('blocker', blocker),
    ...said('next', next),
  ];
}
