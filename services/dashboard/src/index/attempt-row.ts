import type { ErrorClass, TokenCount } from '@countersign/contracts/event.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Database } from './database.ts';
import type { Head } from './journal-line.ts';

/** What is known of one attempt of a task; times and counts are null while there is nothing to say. */
export type AttemptRow = {
  readonly task: number;
  readonly attempt: number;
  startedAt: string | null;
  endedAt: string | null;
  outcome: string | null;
  errorClass: ErrorClass | null;
  durationMs: number | null;
  tokens: TokenCount | null;
  readonly model: string;
};

const atWork: ReadonlySet<TaskStatus> = new Set(['planning', 'running', 'verifying', 'rebasing', 'merging']);
const noTokens: TokenCount = { prompt: 0, completion: 0, requests: 0 };

export function isAtWork(status: TaskStatus): boolean {
  return atWork.has(status);
}

/**
 * Takes in what an event says of its attempt, and tells what the task's sums grow by. Time counts as work where something was at
 * work before the event: what a task waited is told in the same field.
 */
export function followAttempt(
  row: AttemptRow,
  head: Head,
  before: TaskStatus,
  after: TaskStatus,
): { readonly durationMs: number; readonly tokens: TokenCount } {
  if (isAtWork(after)) {
    row.startedAt ??= head.ts;
    row.endedAt = null;
    row.outcome = null;
  } else if (isAtWork(before)) {
    row.endedAt = head.ts;
    row.outcome = after;
    // What went wrong on the way, and was mended, is no word on how it ended.
    row.errorClass = null;
  }
  if (head.error_class !== undefined) row.errorClass = head.error_class;
  const durationMs = head.duration_ms !== undefined && isAtWork(before) ? head.duration_ms : 0;
  if (durationMs > 0) row.durationMs = (row.durationMs ?? 0) + durationMs;
  const tokens = head.tokens === undefined ? noTokens : difference(head.tokens, row.tokens ?? noTokens);
  if (head.tokens !== undefined) row.tokens = head.tokens;
  return { durationMs, tokens };
}

/** Each event tells all that its attempt has used so far. */
function difference(a: TokenCount, b: TokenCount): TokenCount {
  return {
    prompt: a.prompt - b.prompt,
    completion: a.completion - b.completion,
    requests: a.requests - b.requests,
  };
}

export function loadAttempt(database: Database, task: number, attempt: number, model: string): AttemptRow {
  const row = database.get('SELECT * FROM attempts WHERE task = ? AND attempt = ?', task, attempt);
  if (row !== undefined) return attemptOf(row);
  return {
    task,
    attempt,
    startedAt: null,
    endedAt: null,
    outcome: null,
    errorClass: null,
    durationMs: null,
    tokens: null,
    model,
  };
}

export function attemptOf(row: Record<string, unknown>): AttemptRow {
  const { prompt, completion, requests } = row;
  return {
    task: row['task'] as number,
    attempt: row['attempt'] as number,
    startedAt: row['started_at'] as string | null,
    endedAt: row['ended_at'] as string | null,
    outcome: row['outcome'] as string | null,
    errorClass: row['error_class'] as ErrorClass | null,
    durationMs: row['duration_ms'] as number | null,
    tokens: prompt === null ? null : ({ prompt, completion, requests } as TokenCount),
    model: row['model'] as string,
  };
}

export function saveAttempt(database: Database, row: AttemptRow): void {
  database.run(
    'INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    row.task,
    row.attempt,
    row.startedAt,
    row.endedAt,
    (row.endedAt ?? '').slice(0, 10) || null,
    row.outcome,
    row.errorClass,
    row.durationMs,
    row.tokens?.prompt ?? null,
    row.tokens?.completion ?? null,
    row.tokens?.requests ?? null,
    row.model,
  );
}
