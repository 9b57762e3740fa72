import type { TaskDetail } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { ApprovalCard } from '../parts/approval-card.tsx';
import { Fact } from '../parts/fact.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { QuestionCard } from '../parts/question-card.tsx';
import { ReviewCard } from '../parts/review-card.tsx';
import { ShownText } from '../parts/shown-text.tsx';
import { taskPath } from '../parts/task-line.tsx';
import { At } from '../parts/time.tsx';
import { questions } from '../state/store.ts';
import { TaskActions } from './task-actions.tsx';

/** What is to be decided about a task, and what it is. */
export function TaskSide({ detail, onDecided }: { detail: TaskDetail; onDecided: () => void }): JSX.Element {
  const { row, record, approval, review, objective } = detail;
  const named = { ...row, task: record.id };
  const asked = questions.value.filter((shown) => shown.row.task === record.id);
  const { question } = row;
  // What it asked before this page was open is told as well.
  if (question !== null && !asked.some((shown) => shown.question.id === question.id))
    asked.push({ row: named, question, overAt: null });
  return (
    <div class="stack task-side">
      {asked.map((shown) => (
        <section key={shown.question.id} class="sheet card asks" aria-label="Question">
          <QuestionCard shown={shown} onAnswered={onDecided} />
        </section>
      ))}
      {approval !== null && (
        <section class="sheet card asks" id="decide" aria-label="Approval">
          {'digest' in approval ? (
            <ApprovalCard row={named} approval={approval} planOpen={false} onDecided={onDecided} />
          ) : (
            <p class="verdict failed">
              <Foreign text={approval.unreadable} />
            </p>
          )}
        </section>
      )}
      {review !== null && (
        <section class="sheet card asks" id="decide" aria-label="Review">
          <ReviewCard row={named} review={review} onDecided={onDecided} onItsPage />
        </section>
      )}
      <TaskActions detail={detail} onDecided={onDecided} />
      <section class="sheet card about" aria-label="About">
        <dl class="facts">
          <Fact name="Run">{record.run}</Fact>
          <Fact name="Action">{record.action}</Fact>
          <Fact name="Tool">
            <Foreign text={record.tool} />
          </Fact>
          {record.model !== null && (
            <Fact name="Model">
              <Foreign text={record.model.name} />
            </Fact>
          )}
          <Fact name="Accepted">
            <At at={record.accepted_at} />
          </Fact>
          <Fact name="File">
            <Foreign text={record.file} />
          </Fact>
          {record.bases?.map((base) => (
            <Fact key={base.repository} name="From">
              <Foreign text={`${base.repository} ${base.branch}`} /> <code>{base.head.slice(0, 8)}</code>
            </Fact>
          ))}
          {record.depends_on.length > 0 && (
            <Fact name="After">
              {record.depends_on.map((id) => (
                <span key={id}>
                  <a href={taskPath(id)}>{id}</a>{' '}
                </span>
              ))}
            </Fact>
          )}
        </dl>
        <details class="fold">
          <summary>Objective</summary>
          <ShownText of={objective} label="Objective" />
        </details>
      </section>
    </div>
  );
}
