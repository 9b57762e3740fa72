import { inertLine } from '@countersign/contracts/inert-text.ts';
import { openQuestion, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { isHeldUp, waitedFor, waitWords } from '@countersign/contracts/wait-words.ts';
import { checkedWords } from '@countersign/kit/checked-words.ts';
import { ageOf } from './age.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { type Fact, requestMessage } from './request-message.ts';
import type { Sentence } from './sentence.ts';

/** How things stand, as far as the journals and the records tell. */
export type Standing = {
  /** What holds up the queue or parts of it, each in one line. */
  readonly queue: readonly string[];
  /** Of tasks that have not ended. */
  readonly records: readonly TaskRecord[];
  /** Records that cannot be read. */
  readonly unread: number;
  /** Commands from this room on which the runner has said nothing for a while. */
  readonly unanswered: number;
  /** What keeps the listener itself from its work; empty when nothing does. */
  readonly trouble: string;
};

/** What waits for a person: each with what it asks for, and since when. Pure. @param now milliseconds since 1970 */
export function pendingMessage(all: readonly TaskRecord[], unread: number, now: number): MessageContent {
  const records = byAge(all.filter(isForPerson));
  const count = records.length;
  return notice({
    title: count === 0 ? 'Nothing waits for you' : `${count} ${count === 1 ? 'task waits' : 'tasks wait'} for you`,
    facts: () => unreadFacts(unread),
    rows: records.map((record) => [
      record.id,
      `${asksFor(record)}, for ${ageOf(record.state.since, now)}; ${placeOf(record)}`,
    ]),
    step: count === 0 ? [] : lookFirst,
    whole: 'scripts/countersign pending',
  });
}

/** What runs, what waits and why, and what is wrong. Pure. @param now milliseconds since 1970 */
export function statusMessage({ queue, records, unread, unanswered, trouble }: Standing, now: number): MessageContent {
  const sorted = [
    ...byAge(records.filter(isForPerson)),
    ...byAge(records.filter(({ state }) => isAtWork(state))),
    ...byAge(records.filter((record) => !isForPerson(record) && !isAtWork(record.state))),
  ];
  return notice({
    title: queue.length === 0 ? 'Status' : 'Status: the queue is held up',
    facts: () => [
      ...queue
        .slice(0, messageLimits.refusals)
        .map((words): Fact => ['queue', cut(inertLine(words), messageLimits.entryCharacters)]),
      ['tasks', countsOf(records)],
      ...heldUpFacts(records),
      ...unreadFacts(unread),
      ...(unanswered > 0
        ? [['commands', `${unanswered} without a verdict: the runner may not be running`] as const]
        : []),
      ...(trouble === '' ? [] : [['listener', trouble] as const]),
    ],
    rows: sorted.map((record) => [
      record.id,
      `${standingOf(record)}, for ${ageOf(sinceOf(record), now)}; ${placeOf(record)}`,
    ]),
    step: [],
    whole: 'scripts/countersign status',
  });
}

const lookFirst: Sentence = [
  { text: 'Look first: ' },
  { text: 'show <task>', isCode: true },
  { text: ' or ' },
  { text: 'diff <task>', isCode: true },
  { text: '. A name that you approve or merge means what the newest message that asks for it has shown.' },
];

type List = {
  readonly title: string;
  readonly facts: () => Fact[];
  readonly rows: readonly Fact[];
  readonly step: Sentence;
  readonly whole: string;
};

function notice({ title, facts, rows, step, whole }: List): MessageContent {
  const content = requestMessage((share) => {
    const shown = rows.slice(0, Math.floor(messageLimits.tasks * share));
    const left = rows.length - shown.length;
    const more: Fact[] = left > 0 ? [['and', `${left.toLocaleString('en-US')} more: ${whole}`]] : [];
    return { title, file: null, facts: [...facts(), ...shown, ...more], step, words: null, whole };
  });
  return { ...content, msgtype: 'm.notice' };
}

function isForPerson(record: Pick<TaskRecord, 'state'>): boolean {
  const { status } = record.state;
  return status === 'pending' || status === 'review' || openQuestion(record) !== null;
}

function isAtWork(state: TaskRecord['state']): boolean {
  return !('wait' in state) || state.wait === null;
}

function asksFor(record: TaskRecord): string {
  const { state } = record;
  const question = openQuestion(record);
  if (question !== null) return `your answer (until ${question.deadline})`;
  if (state.status === 'pending') return `your approval (until ${state.expires_at})`;
  return `your review (${checkedWords(record)})`;
}

function standingOf({ state }: TaskRecord): string {
  if (state.status === 'pending' || state.status === 'review' || !('wait' in state) || state.wait === null)
    return state.status;
  return `${state.status}, ${waitWords(state.wait, state.reason)}`;
}

function sinceOf({ state }: TaskRecord): string {
  return 'wait' in state && state.wait !== null ? state.wait.since : state.since;
}

/** Names of somebody else's stand last. */
function placeOf({ stage, workspace, file }: TaskRecord): string {
  return `stage ${stage}, workspace ${workspace}, ${file}`;
}

function countsOf(records: readonly TaskRecord[]): string {
  if (records.length === 0) return 'none that has not ended';
  const counts = Map.groupBy(records, ({ state }) => state.status);
  return [...counts].map(([status, each]) => `${each.length} ${status}`).join(', ');
}

/** What may have to be mended, told once for all tasks that it holds up. */
function heldUpFacts(records: readonly TaskRecord[]): Fact[] {
  const waits = records.flatMap(({ state }) =>
    'wait' in state && state.wait !== null && isHeldUp(state.wait) ? [waitedFor(state.wait)] : [],
  );
  return [...Map.groupBy(waits, (words) => words)]
    .slice(0, messageLimits.refusals)
    .map(([words, each]): Fact => ['held up', `${each.length} ${each.length === 1 ? 'waits' : 'wait'} for ${words}`]);
}

function unreadFacts(unread: number): Fact[] {
  return unread === 0 ? [] : [['not told', `${unread} whose record cannot be read`]];
}

/** What has been so for longest comes first. */
function byAge(records: readonly TaskRecord[]): TaskRecord[] {
  return records.toSorted((a, b) => a.state.since.localeCompare(b.state.since) || a.id.localeCompare(b.id));
}
