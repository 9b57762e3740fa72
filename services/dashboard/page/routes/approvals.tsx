import type { Approvals as ApprovalsAnswer, TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { ApprovalCard } from '../parts/approval-card.tsx';
import { AskingCard } from '../parts/asking-card.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { ReviewCard } from '../parts/review-card.tsx';
import { TaskState } from '../parts/status.tsx';
import { TaskMeta, TaskTitle } from '../parts/task-line.tsx';
import { Elapsed } from '../parts/time.tsx';
import { groupOf, isAsking, rowKey } from '../state/rows.ts';
import { questions, rows } from '../state/store.ts';

type Entry = ApprovalsAnswer['approvals'][number];

/** Everything that a person is asked, oldest first: what tools ask, whose time runs out, before what waits to be decided. */
export function Approvals(): JSX.Element {
  const listed = useRef<ReadonlySet<string>>(new Set());
  const approvals = useResource<ApprovalsAnswer>('/api/approvals', ({ tasks }) =>
    tasks.some((row) => groupOf(row) === 'attention' || listed.current.has(rowKey(row))),
  );
  listed.current = new Set(approvals.data.value?.approvals.map(({ row }) => rowKey(row)));
  const asking = questions.value;
  const title = asking.length === 0 ? 'Approvals' : 'Questions and approvals';
  return (
    <>
      <Head title={title} />
      <Answer of={approvals}>
        {({ approvals: entries }) => {
          const open = entries.filter(({ row }) => !isAsking(row) && stillAsked(row));
          return open.length + asking.length === 0 ? (
            <div class="sheet empty">
              <p>Nothing waits for you.</p>
              <p>
                <a href="/">What runs now</a>
              </p>
            </div>
          ) : (
            <div class="columns">
              {asking.map((shown) => (
                <article key={shown.question.id} class="sheet card asked" data-task={shown.row.task}>
                  <AskingCard shown={shown} heading="h2" />
                </article>
              ))}
              {open.map((entry) => (
                <Asked key={rowKey(entry.row)} entry={entry} onDecided={approvals.refresh} />
              ))}
            </div>
          );
        }}
      </Answer>
    </>
  );
}

/** The stream knows that it was decided before the list is asked for again. */
function stillAsked(row: TaskRow): boolean {
  const known = rows.value.get(rowKey(row));
  return known === undefined || known.status === row.status || known.since < row.since;
}

function Asked({ entry, onDecided }: { readonly entry: Entry; readonly onDecided: () => void }): JSX.Element {
  const { row, approval, review } = entry;
  const { task } = row;
  return (
    <article class="sheet card asked" data-task={task}>
      <div class="row between">
        <TaskState of={row} />
        <span class="soft small">
          for <Elapsed since={row.since} />
        </span>
      </div>
      <h2 class="asked-title">
        <TaskTitle row={row} />
      </h2>
      <TaskMeta row={row} />
      {task !== null && approval !== null && 'digest' in approval && (
        <ApprovalCard row={{ ...row, task }} approval={approval} planOpen={false} onDecided={onDecided} />
      )}
      {approval !== null && 'unreadable' in approval && (
        <p class="verdict failed">
          <Foreign text={approval.unreadable} />
        </p>
      )}
      {task !== null && review !== null && <ReviewCard row={{ ...row, task }} review={review} onDecided={onDecided} />}
    </article>
  );
}
