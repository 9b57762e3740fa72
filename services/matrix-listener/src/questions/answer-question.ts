import { inertLines } from '@countersign/contracts/inert-text.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import { queueWords } from '@countersign/contracts/queue-words.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, type TaskStatus } from '@countersign/contracts/task-state.ts';
import { ApprovalViewError, isPending, readApprovalView } from '@countersign/kit/approval-view.ts';
import { readAttempts } from '@countersign/kit/attempt-facts.ts';
import { DiffViewError, readSmallPatch } from '@countersign/kit/diff-view.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { readQueueState } from '@countersign/kit/queue-state.ts';
import { attemptFolder, isReview, readReviewView } from '@countersign/kit/review-view.ts';
import { readTaskRecord, recordPaths } from '@countersign/kit/task-records.ts';
import { listenerLimits } from '../limits.ts';
import { tamperedDiffMessage, tamperedMessage } from '../message/answers.ts';
import type { MessageContent } from '../message/content.ts';
import { helpMessage, mistypedMessage, sorryMessage } from '../message/help-message.ts';
import { pendingMessage, statusMessage } from '../message/list-messages.ts';
import { agentLines } from '../message/review-message.ts';
import { diffMessage, logMessage, noDiffMessage, type Spoken, showMessage } from '../message/task-messages.ts';
import type { Question, TaskQuestion } from '../room/read-question.ts';
import type { ListenerState } from '../state/listener-state.ts';
import { findTask } from './find-task.ts';
import { readOutputEnd } from './output-end.ts';

/** What an answer is made of beside the listener's state. Everything is only read. */
export type Answering = {
  /** The folder that holds `runs/`. */
  readonly volumes: string;
  /** What keeps the listener from its own work; empty when nothing does. */
  readonly trouble: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/**
 * The answer to a question, from the files as they are now. What cannot be read is said, and holds up nothing.
 * @param about the task of the message that is answered
 */
export async function answerQuestion(
  answering: Answering,
  question: Question,
  about: TaskId | null,
  state: Readonly<ListenerState>,
): Promise<MessageContent> {
  try {
    switch (question.kind) {
      case 'help':
        return helpMessage();
      case 'mistyped':
        return mistypedMessage(question.meant);
      case 'pending': {
        const { records, unread } = await openRecords(answering.volumes, state);
        return pendingMessage(records, unread, answering.now());
      }
      case 'status':
        return await answerStatus(answering, state);
      case 'show':
      case 'log':
      case 'diff':
        return await answerOnTask(answering, question, about, state);
    }
  } catch (error) {
    return sorryMessage(`that cannot be read now: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function answerStatus(
  { volumes, trouble, now }: Answering,
  state: Readonly<ListenerState>,
): Promise<MessageContent> {
  const queue = await readQueueState(volumes).then(queueWords, (error: unknown) => [String(error)]);
  const { records, unread } = await openRecords(volumes, state);
  const unanswered = state.issued.filter(({ stands }) => stands === 'late').length;
  return statusMessage({ queue, records, unread, unanswered, trouble: trouble() }, now());
}

async function answerOnTask(
  { volumes, now }: Answering,
  { kind, name }: TaskQuestion,
  about: TaskId | null,
  state: Readonly<ListenerState>,
): Promise<MessageContent> {
  const typed = name === '' ? about : name;
  if (typed === null) return sorryMessage(`say which: ${kind} <task>, or answer a message about it`);
  const paths = await recordPaths(volumes);
  const found = findTask(typed, state, paths);
  if (!found.ok) return sorryMessage(found.reason);
  const record = await readTaskRecord(volumes, found.path, volumes);
  try {
    switch (kind) {
      case 'show':
        return await answerShow(volumes, record, paths, now());
      case 'log':
        return logMessage(record, await readOutputEnd(volumes, record), now());
      case 'diff':
        return await answerDiff(volumes, record);
    }
  } catch (error) {
    // Nobody may decide on what is not what was asked for.
    if (error instanceof ApprovalViewError && isPending(record))
      return { ...tamperedMessage(record), msgtype: 'm.notice' };
    if (error instanceof DiffViewError && isReview(record))
      return { ...tamperedDiffMessage(record), msgtype: 'm.notice' };
    throw error;
  }
}

async function answerShow(
  volumes: string,
  record: TaskRecord,
  paths: ReadonlyMap<TaskId, string>,
  now: number,
): Promise<MessageContent> {
  const statuses = new Map<TaskId, TaskStatus>();
  for (const id of record.depends_on) {
    const path = paths.get(id);
    const other = path === undefined ? null : await readTaskRecord(volumes, path, volumes).catch(() => null);
    if (other !== null) statuses.set(id, other.state.status);
  }
  const attempts = await readAttempts(volumes, record);
  return showMessage(
    { record, attempts, statusOf: (id) => statuses.get(id), words: await wordsOf(volumes, record) },
    now,
  );
}

/** What was said by a model about the task: its plan where that waits for an approval, else what the agent says of its result. */
async function wordsOf(volumes: string, record: TaskRecord): Promise<Spoken> {
  if (isPending(record)) {
    const { plan } = await readApprovalView(volumes, record);
    return { by: 'plan', lines: inertLines(plan) };
  }
  const result = 'result' in record.state ? record.state.result : null;
  if (result === null) return null;
  const { handoff } = await readReviewView(volumes, record, result);
  return { by: 'agent', lines: agentLines(handoff?.agent ?? null) };
}

async function answerDiff(volumes: string, record: TaskRecord): Promise<MessageContent> {
  const result = 'result' in record.state ? record.state.result : null;
  if (result === null) return noDiffMessage(record);
  const { index } = await readReviewView(volumes, record, result);
  const first = index.repositories.find(({ totals }) => totals.files > 0) ?? index.repositories[0];
  if (first === undefined) return noDiffMessage(record);
  const folder = attemptFolder(record, result.attempt);
  const text = await readSmallPatch(volumes, folder, first.patch, listenerLimits.patchBytes);
  return diffMessage(record, result, index, { repository: first.name, lines: text === null ? null : inertLines(text) });
}

/** Every task that has not ended, as far as the journals told of them; `unread` counts those of which there is no record to read. */
async function openRecords(
  volumes: string,
  { tasks }: Pick<ListenerState, 'tasks'>,
): Promise<{ readonly records: readonly TaskRecord[]; readonly unread: number }> {
  const paths = await recordPaths(volumes);
  const read = await inParallel(tasks, listenerLimits.recordsAtOnce, async ({ task }) => {
    const path = paths.get(task);
    return path === undefined ? null : await readTaskRecord(volumes, path, volumes).catch(() => null);
  });
  const records = read.filter((record) => record !== null);
  // What has just ended is not known yet to have done so.
  const open = records.filter(({ state }) => !isFinal(state.status));
  return { records: open, unread: tasks.length - records.length };
}
