import type { TaskId } from '@countersign/contracts/names.ts';
import type { Question } from '@countersign/contracts/question.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { RoomEvent } from '@countersign/contracts/task-room.ts';
import { readJournal } from '@countersign/kit/journal.ts';

/** What stands in the room of an attempt that asked this, in the order in which it came about. Pure. */
export function roomEvents(questions: readonly Question[]): RoomEvent[] {
  return questions.flatMap(({ id, transaction, text, asked_at, answer }): RoomEvent[] => {
    const asked: RoomEvent = { kind: 'question', id, transaction, text, at: asked_at };
    if (answer === null) return [asked];
    const { outcome, at } = answer;
    return [asked, { kind: 'answer', question: id, outcome, text: 'text' in answer ? answer.text : null, at }];
  });
}

/**
 * Every question of one attempt, in its order, each as the journal has it last.
 * @throws JournalError
 */
export async function readThread(journal: string, task: TaskId, attempt: number): Promise<Question[]> {
  const questions = new Map<string, Question>();
  await readJournal(journal, ({ event, task_id, data }) => {
    if (task_id !== task || (event !== 'question_asked' && event !== 'question_ended')) return;
    const { state } = TaskRecord.parse(data?.['record']);
    if (state.status === 'running' && state.attempt === attempt && state.question !== null)
      questions.set(state.question.id, state.question);
  });
  return [...questions.values()];
}
