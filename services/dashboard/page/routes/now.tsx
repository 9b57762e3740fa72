import type { TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { AskingCard } from '../parts/asking-card.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { LiveOutput } from '../parts/live-output.tsx';
import { TaskState } from '../parts/status.tsx';
import { Change, reasonOf, TaskList, TaskMeta, TaskTitle } from '../parts/task-line.tsx';
import { Elapsed } from '../parts/time.tsx';
import { isAsking, rowKey } from '../state/rows.ts';
import { attention, ended, loaded, questions, running, waiting } from '../state/store.ts';
import { counted } from '../text/format.ts';

const endedShown = 12;

/** What runs, where and why; what waits, and for what; what ended last. */
export function Now(): JSX.Element {
  if (!loaded.value) return <Loading />;
  return (
    <>
      <Head title="Now" tab="Now" />
      <div class="now-grid">
        <div class="stack">
          {attention.value.length + questions.value.length > 0 && <AsksForYou />}
          <section aria-labelledby="running">
            <div class="section-head">
              <h2 id="running">Running</h2>
              <span class="tally">{running.value.length}</span>
            </div>
            {running.value.length === 0 ? (
              <p class="sheet empty">Nothing is at work.</p>
            ) : (
              <div class="cards">
                {running.value.map((row) => (
                  <RunningCard key={rowKey(row)} row={row} />
                ))}
              </div>
            )}
          </section>
        </div>
        <div class="stack side">
          <TaskList title="Waiting" rows={waiting.value} empty="Nothing waits for its turn." />
          <TaskList
            title="Ended"
            rows={ended.value.slice(0, endedShown)}
            empty="Nothing has ended yet."
            action={
              <a class="small" href="/tasks">
                All tasks
              </a>
            }
          />
        </div>
      </div>
    </>
  );
}

function Loading(): JSX.Element {
  return (
    <>
      <Head title="Now" tab="Now" />
      <p class="empty">Loading…</p>
    </>
  );
}

function AsksForYou(): JSX.Element {
  const count = attention.value.length;
  const decisions = attention.value.filter((row) => !isAsking(row));
  return (
    <section class="sheet asks-sheet" aria-labelledby="asks">
      <header>
        <h2 id="asks">{count === 0 ? 'Nothing waits' : counted(count, 'task waits', 'tasks wait')} for you</h2>
        {decisions.length > 0 && (
          <a class="button primary" href="/approvals">
            Decide
          </a>
        )}
      </header>
      {questions.value.length > 0 && (
        <ul class="asking-list">
          {questions.value.map((shown) => (
            <li key={shown.question.id} class="card asked" data-task={shown.row.task}>
              <AskingCard shown={shown} heading="h3" />
            </li>
          ))}
        </ul>
      )}
      <ul class="asks-list">
        {decisions.slice(0, 6).map((row) => (
          <li key={rowKey(row)} class="row">
            <TaskState of={row} />
            <span class="clip asks-title">
              <TaskTitle row={row} />
            </span>
            <span class="soft small">
              <Elapsed since={row.since} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function RunningCard({ row }: { readonly row: TaskRow }): JSX.Element {
  return (
    <article class="sheet card">
      <div class="row between">
        <TaskState of={row} />
        <span class="soft small">
          <Elapsed since={row.since} />
        </span>
      </div>
      <TaskTitle row={row} />
      <TaskMeta row={row} />
      {row.cancellation !== null && (
        <p class="small soft">
          <Foreign text={reasonOf(row)} />
        </p>
      )}
      {row.change !== null && <Change change={row.change} />}
      {row.task !== null && <LiveOutput task={row.task} title={row.task} />}
    </article>
  );
}
