import type { Command } from '@countersign/contracts/command.ts';
import type { Answer } from '@countersign/contracts/question.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Verdict } from './authorise.ts';

/** Whether a task's tool can be told this now; who may is judged apart. Pure. The first answer counts, and one of the options is one. */
export function authoriseAnswer(
  { question: id, answer }: (Command & { kind: 'answer' })['subject'],
  { id: task, state, cancellation }: TaskRecord,
): Verdict {
  if (state.status !== 'running') return refuse(`${task} is ${state.status} and asks nothing`);
  const { question } = state;
  if (question === null) return refuse(`${task} asks nothing`);
  if (question.id !== id)
    return refuse(`${task} asks something else than what was answered; look again: countersign questions`);
  if (question.answer !== null) return refuse(`${task} waits for no answer any more: ${endWords(question.answer)}`);
  if (cancellation !== null) return refuse(`${task} is being cancelled`);
  const { options } = question;
  if (options.length > 0 && !options.includes(answer))
    return refuse(
      `${JSON.stringify(answer)} is none of what ${task} offers: ${options.map((one) => JSON.stringify(one)).join(', ')}`,
    );
  return { ok: true };
}

function endWords(end: Answer): string {
  switch (end.outcome) {
    case 'answered':
      return `${end.user} answered ${JSON.stringify(end.text)} at ${end.at}`;
    case 'default':
      return `nobody had answered by ${end.at}, and its default counts, ${JSON.stringify(end.text)}`;
    case 'stopped':
      return `nobody had answered by ${end.at}, and it is being stopped`;
    case 'withdrawn':
      return `whoever asked is gone since ${end.at}`;
  }
}

function refuse(reason: string): Verdict {
  return { ok: false, reason };
}
