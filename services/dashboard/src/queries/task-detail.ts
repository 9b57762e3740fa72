import { taskFileLimits } from '@countersign/contracts/limits.ts';
import { pageLimits, type TaskDetail, type TimelineEvent } from '@countersign/contracts/page-api.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { readStart } from '../files/read-text.ts';
import { shownText } from '../files/shown-text.ts';
import type { AttemptRow } from '../index/attempt-row.ts';
import type { Database } from '../index/database.ts';
import { rowOf } from '../rows/task-row.ts';
import { approvalOf } from './approval-facts.ts';
import { attemptRows, attemptsOf } from './attempt-detail.ts';
import { queryLimits } from './limits.ts';
import { reviewOf } from './review.ts';

/** What the index knows of one task, as it is at one position. */
export type KnownTask = {
  readonly position: string;
  readonly record: TaskRecord;
  readonly timeline: readonly TimelineEvent[];
  readonly leftOut: number;
  readonly attempts: ReadonlyMap<number, AttemptRow>;
};

/** Null for a task that nobody knows. */
export function knownTask(database: Database, id: string): KnownTask | null {
  const row = database.get('SELECT number, record FROM tasks JOIN records USING (number) WHERE id = ?', id);
  if (row === undefined) return null;
  const number = row['number'] as number;
  const events = database.all(
    'SELECT * FROM events WHERE task = ? ORDER BY seq DESC LIMIT ?',
    number,
    pageLimits.timeline,
  );
  const all = Number(database.get('SELECT count(*) AS events FROM events WHERE task = ?', number)?.['events']);
  return {
    position: String(database.number('position')),
    record: JSON.parse(row['record'] as string) as TaskRecord,
    timeline: events.map(eventOf),
    leftOut: all - events.length,
    attempts: attemptRows(database, number),
  };
}

/** With what lies in its folder now. */
export async function taskDetail(volumes: string, known: KnownTask, now: Date): Promise<TaskDetail> {
  const { record } = known;
  const folder = taskFolder(record);
  const file = await readStart(volumes, `${folder}/task.md`, taskFileLimits.fileBytes);
  const objective = await readStart(volumes, `${folder}/objective.md`, queryLimits.textBytes);
  return {
    position: known.position,
    row: rowOf(record),
    record,
    objective: objective === null ? bodyOf(file?.bytes) : shownText(objective.bytes, objective.size),
    task_file: file === null ? shownText(Buffer.alloc(0)) : shownText(file.bytes, file.size),
    approval: await approvalOf(volumes, record, now),
    review: reviewOf(record),
    timeline: [...known.timeline],
    timeline_left_out: known.leftOut,
    attempts: await attemptsOf(volumes, record, known.attempts),
  };
}

/** Before anything is at work, the objective stands in the task file alone. */
function bodyOf(file: Buffer | undefined): TaskDetail['objective'] {
  const parsed = file === undefined ? null : parseTaskFile(file);
  return shownText(Buffer.from(parsed?.ok === true ? parsed.file.body : ''));
}

function eventOf(row: Record<string, unknown>): TimelineEvent {
  const { seq, ts, event, phase, agent_role, attempt, status, summary, duration_ms, error_class, tokens } = row;
  return {
    seq,
    ts,
    event,
    phase,
    agent_role,
    attempt,
    status,
    summary,
    duration_ms,
    error_class,
    tokens: tokens === null ? null : JSON.parse(tokens as string),
  } as TimelineEvent;
}
