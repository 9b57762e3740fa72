import type { JSX } from 'preact';
import type { ShownQuestion } from '../state/questions.ts';
import { rows } from '../state/store.ts';
import { QuestionCard } from './question-card.tsx';
import { TaskState } from './status.tsx';
import { TaskMeta, TaskTitle } from './task-line.tsx';
import { Elapsed } from './time.tsx';

/** A task whose tool asks something, as a card among others: which task it is, what is asked, and the answers. */
export function AskingCard(properties: { readonly shown: ShownQuestion; readonly heading: 'h2' | 'h3' }): JSX.Element {
  const { shown, heading: Heading } = properties;
  const { row, question, overAt } = shown;
  return (
    <>
      <div class="row between">
        <TaskState of={rows.value.get(row.task) ?? row} />
        {overAt === null && (
          <span class="soft small">
            for <Elapsed since={question.asked_at} />
          </span>
        )}
      </div>
      <Heading class="asked-title">
        <TaskTitle row={row} />
      </Heading>
      <TaskMeta row={row} />
      <QuestionCard shown={shown} />
    </>
  );
}
