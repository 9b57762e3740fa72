import type { Question } from '@countersign/contracts/question.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import type { Gate } from '../state/listener-state.ts';
import { makeGate } from './gates.ts';

const since = '2026-11-20T12:00:00.000Z';

/** What a task's tool asks; two colours to choose from unless it is told otherwise. */
export function makeQuestion(change: Partial<Question> = {}): Question {
  return {
    id: 'a1b2c3d4e5f60718',
    transaction: 't1',
    number: 1,
    text: 'Which colour?',
    options: ['red', 'blue'],
    default: 'blue',
    asked_at: since,
    deadline: '2026-11-20T12:10:00.000Z',
    answer: null,
    ...change,
  };
}

/** A task whose tool has asked something. */
export function makeAskingTask(question: Question, change: Partial<TaskRecord> = {}): TaskRecord {
  const state = { status: 'running' as const, since, reason: '', attempt: 1, slot: null, approval: null, wait: null };
  return makeRecord({ ...state, question }, change);
}

/** The message of a question that the room has shown. */
export function makeAsking(task: string, options: string[], change: Partial<Gate> = {}): Gate {
  return makeGate({ task, event: `$${task}`, asks: 'answer', question: { id: makeQuestion().id, options }, ...change });
}
