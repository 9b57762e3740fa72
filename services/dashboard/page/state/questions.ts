import type { TaskQuestion, TaskRow } from '@countersign/contracts/page-api.ts';
import { isAsking, type Rows } from './rows.ts';

/** A question of a task's tool, for as long as it is shown. */
export type ShownQuestion = {
  /** As it was when the question stood in it last. */
  readonly row: TaskRow & { readonly task: string };
  readonly question: TaskQuestion;
  /** When it was seen that nobody is asked any more, in milliseconds since 1970; null while somebody is. */
  readonly overAt: number | null;
};

/** How long the end of a question stays to be read: the task itself may be far on by then. */
const keptMs = 60_000;

/**
 * What is shown after the rows or the clock have changed: everything that is asked, oldest first, and what was asked a moment ago. A
 * question keeps its place, so that a second tap never falls on another one. The same array where nothing is new. Pure.
 */
export function shownQuestions(before: readonly ShownQuestion[], rows: Rows, nowMs: number): readonly ShownQuestion[] {
  const kept = before.flatMap((shown) => later(shown, rows.get(shown.row.task), nowMs));
  const known = new Set(kept.map(({ question }) => question.id));
  const fresh = [...rows.values()].flatMap((row) => asked(row)).filter(({ question }) => !known.has(question.id));
  const now = [...kept, ...fresh.toSorted((a, b) => (a.question.asked_at < b.question.asked_at ? -1 : 1))];
  return now.length === before.length && now.every((shown, index) => shown === before[index]) ? before : now;
}

function asked(row: TaskRow): ShownQuestion[] {
  const { task, question } = row;
  return task !== null && question !== null && isAsking(row) ? [{ row: { ...row, task }, question, overAt: null }] : [];
}

/** The same question as it is now; none of what nobody needs to see any more. */
function later(shown: ShownQuestion, row: TaskRow | undefined, nowMs: number): ShownQuestion[] {
  const question = row?.question?.id === shown.question.id ? row.question : null;
  if (row !== undefined && question !== null && isAsking(row))
    return question === shown.question && shown.overAt === null ? [shown] : asked(row);
  const overAt = shown.overAt ?? nowMs;
  if (nowMs - overAt > keptMs) return [];
  if (question !== null && question.answer !== null && shown.question.answer === null)
    return [{ ...shown, question, overAt }];
  return shown.overAt === null ? [{ ...shown, overAt }] : [shown];
}
