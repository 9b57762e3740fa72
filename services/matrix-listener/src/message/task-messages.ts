import type { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Attempt } from '@countersign/kit/attempt-facts.ts';
import { recordFacts } from '@countersign/kit/record-facts.ts';
import { describeVerification } from '@countersign/kit/verification-words.ts';
import type { OutputEnd } from '../questions/output-end.ts';
import { ageOf } from './age.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { endOf } from './plan-excerpt.ts';
import { type Fact, type RequestParts, requestMessage } from './request-message.ts';
import { flagFacts } from './review-message.ts';
import type { Sentence } from './sentence.ts';

/** Words of a model about a task, inert lines; null where there are none. */
export type Spoken = { readonly by: 'plan' | 'agent'; readonly lines: readonly string[] } | null;

export type Shown = {
  readonly record: TaskRecord;
  readonly attempts: readonly Attempt[];
  readonly statusOf: (task: TaskId) => TaskStatus | undefined;
  readonly words: Spoken;
};

const headings = {
  plan: 'The plan. These are the words of the model, not of Countersign',
  agent:
    'What the agent says of its work. These are its words, not those of Countersign, and nothing of them was checked',
} as const;

/** Where a task stands. It is no request: what is decided is what the messages show that ask. Pure. */
export function showMessage({ record, attempts, statusOf, words }: Shown, now: number): MessageContent {
  const facts = recordFacts(record, attempts, statusOf).filter(([name]) => name !== 'title');
  const bounded = (all: readonly Fact[], characters: number) =>
    all.map(([name, value]): Fact => [name, cut(inertLine(value), characters)]);
  const title: Fact = ['title, in the words of the task file', record.title];
  return notice((share) => ({
    ...about(record, `Task, ${record.state.status} for ${ageOf(record.state.since, now)}`),
    // What there are more of are attempts, dependencies and conditions.
    facts: [
      ...(share > 0
        ? bounded(facts, messageLimits.entryCharacters)
        : bounded(facts.slice(0, messageLimits.tasks), messageLimits.branchCharacters)),
      title,
    ],
    step: record.state.status === 'pending' || record.state.status === 'review' ? decideAbove : [],
    words: words === null || words.lines.length === 0 ? null : { heading: headings[words.by], lines: words.lines },
  }));
}

/** The end of what was written last. Pure. */
export function logMessage(record: TaskRecord, output: OutputEnd | null, now: number): MessageContent {
  const standing: Fact = ['state', `${record.state.status} for ${ageOf(record.state.since, now)}`];
  if (output === null) return notice(() => ({ ...about(record, 'No output yet'), facts: [standing] }));
  const lines = endOf(output.lines, messageLimits.planBodyBytes);
  return notice(() => ({
    ...about(record, 'Output'),
    facts: [
      standing,
      ['attempt', String(record.attempts)],
      ['written last', `${output.name}, ${count(output.size)} bytes`],
      ...output.others.map(({ name, size }): Fact => ['as well', `${name}, ${count(size)} bytes`]),
    ],
    words: {
      heading: `The end of ${output.name}, ${lines.length === 1 ? '1 line' : `${lines.length} lines`}. None of it is Countersign’s`,
      lines,
    },
  }));
}

/** What was changed, and the beginning of one patch. Pure. @param patch `lines` null: it is too large to be checked here */
export function diffMessage(
  record: TaskRecord,
  result: Result,
  index: DiffIndex,
  patch: { readonly repository: string; readonly lines: readonly string[] | null },
): MessageContent {
  const whole = `scripts/countersign diff ${record.id}`;
  return notice((share) => ({
    ...about(record, 'Diff'),
    facts: [
      ...index.repositories.map(
        ({ name, branch, base_head, head, totals }): Fact => [
          'repository',
          `${name}, branch ${cut(inertLine(branch), messageLimits.branchCharacters)}, ${base_head.slice(0, 12)} to ${head.slice(0, 12)}: ${totals.files} ${totals.files === 1 ? 'file' : 'files'}, +${totals.insertions} -${totals.deletions}, ${totals.flagged} that ${totals.flagged === 1 ? 'needs' : 'need'} eyes`,
        ],
      ),
      ['checked', describeVerification(result.verification)],
      ...flagFacts({ index }, record.id, share),
      ['digest', result.digest.slice(0, 8)],
    ],
    step:
      patch.lines === null
        ? [{ text: 'The patch is too large to be shown here: ' }, { text: whole, isCode: true }]
        : [],
    words:
      patch.lines === null
        ? null
        : { heading: `The patch in ${inertLine(patch.repository)}. None of it is Countersign’s`, lines: patch.lines },
    whole,
  }));
}

/** Nothing was changed, or not yet. Pure. */
export function noDiffMessage(record: TaskRecord): MessageContent {
  return notice(() => ({ ...about(record, 'No saved diff'), facts: [['state', record.state.status]] }));
}

const decideAbove: Sentence = [
  { text: 'It waits for you. A sign on this answer decides nothing: answer the message that asks, or write the name.' },
];

function about({ id, file }: TaskRecord, title: string) {
  const none = { step: [], words: null, facts: [] };
  return { ...none, title: `${title} (${id})`, file, whole: `scripts/countersign show ${id}` };
}

function notice(partsOf: (share: number) => RequestParts): MessageContent {
  return { ...requestMessage(partsOf), msgtype: 'm.notice' };
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}
