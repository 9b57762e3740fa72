import type { TaskDetail } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { lazy, useLocation, useRoute } from 'preact-iso';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Head } from '../parts/head.tsx';
import { ShownText } from '../parts/shown-text.tsx';
import { TaskState } from '../parts/status.tsx';
import { Tabs } from '../parts/tabs.tsx';
import { Change, reasonOf, TaskMeta } from '../parts/task-line.tsx';
import { Elapsed } from '../parts/time.tsx';
import { AttemptList } from '../task/attempt-list.tsx';
import { HandoffView } from '../task/handoff-view.tsx';
import { TaskLog } from '../task/task-log.tsx';
import { TaskSide } from '../task/task-side.tsx';
import { Timeline } from '../task/timeline.tsx';

const DiffTab = lazy(() => import('../diff/diff-tab.tsx').then((module) => module.DiffTab));

/** Everything about one task. */
export function Task(): JSX.Element {
  const { params } = useRoute();
  const id = params['id'] ?? '';
  const detail = useResource<TaskDetail>(`/api/tasks/${encodeURIComponent(id)}`, ({ tasks }) =>
    tasks.some(({ task }) => task === id),
  );
  return (
    <>
      {detail.data.value === null && <Head title={`Task ${id}`} tab={id} />}
      <Answer of={detail}>{(data) => <Shown detail={data} onDecided={detail.refresh} />}</Answer>
    </>
  );
}

function Shown({ detail, onDecided }: { readonly detail: TaskDetail; readonly onDecided: () => void }): JSX.Element {
  const { query, route, path } = useLocation();
  const { row, record, attempts } = detail;
  const reason = reasonOf(row);
  const chosen = attempts.find(({ attempt }) => String(attempt) === query['attempt']) ?? attempts[0];
  const tabs = [
    { id: 'timeline', name: 'Timeline' },
    ...(chosen === undefined
      ? []
      : [
          { id: 'plan', name: 'Plan' },
          { id: 'log', name: 'Log' },
          { id: 'diff', name: 'Diff' },
          { id: 'handoff', name: 'Handoff' },
          { id: 'context', name: 'Context' },
          { id: 'attempts', name: attempts.length > 1 ? `Attempts ${attempts.length}` : 'Attempt' },
        ]),
    { id: 'file', name: 'Task file' },
  ];
  const tab = tabs.find(({ id }) => id === query['tab'])?.id ?? 'timeline';
  const go = (next: string, attempt = chosen?.attempt): void => {
    const older = attempt !== undefined && attempt !== attempts[0]?.attempt;
    route(`${path}?tab=${next}${older ? `&attempt=${attempt}` : ''}`, true);
  };
  return (
    <>
      <Head title={<Foreign text={row.title} />} tab={record.id} />
      <div class="task-facts row">
        <TaskState of={row} />
        <span class="soft small">
          <Elapsed since={row.since} />
        </span>
        <TaskMeta row={row} />
        {row.change !== null && <Change change={row.change} />}
        {tab === 'diff' && (row.status === 'review' || row.status === 'pending') && <a href="#decide">Decide</a>}
      </div>
      {reason !== '' && (
        <p class="soft task-reason">
          <Foreign text={reason} />
        </p>
      )}
      <div class={tab === 'diff' ? 'task-grid full' : 'task-grid'}>
        <TaskSide detail={detail} onDecided={onDecided} />
        <section class="sheet task-main" aria-label="Details">
          <Tabs tabs={tabs} current={tab} onChange={go} label="Details of the task" />
          <div
            class={tab === 'diff' || tab === 'log' ? 'panel flush' : 'panel'}
            role="tabpanel"
            id={`panel-${tab}`}
            aria-labelledby={`tab-${tab}`}
          >
            {chosen !== undefined &&
              attempts.length > 1 &&
              tab !== 'timeline' &&
              tab !== 'attempts' &&
              tab !== 'file' && (
                <p class="small soft attempt-note">
                  Attempt {chosen.attempt} of {attempts.length}.
                </p>
              )}
            {tab === 'timeline' && <Timeline events={detail.timeline} leftOut={detail.timeline_left_out} />}
            {tab === 'plan' && <Words of={chosen?.plan ?? null} label="Plan" empty="There is no plan." />}
            {tab === 'context' && (
              <Words of={chosen?.context ?? null} label="Context packet" empty="There is no context packet." />
            )}
            {tab === 'log' && chosen !== undefined && (
              <TaskLog task={record.id} attempt={chosen} live={chosen.outcome === null} />
            )}
            {tab === 'diff' && chosen !== undefined && <DiffTab task={record.id} attempt={chosen} />}
            {tab === 'handoff' && chosen !== undefined && <HandoffView attempt={chosen} />}
            {tab === 'attempts' && (
              <AttemptList attempts={attempts} chosen={chosen?.attempt} onChoose={(attempt) => go('log', attempt)} />
            )}
            {tab === 'file' && <ShownText of={detail.task_file} label="Task file" />}
          </div>
        </section>
      </div>
    </>
  );
}

function Words(properties: {
  readonly of: TaskDetail['objective'] | null;
  readonly label: string;
  readonly empty: string;
}): JSX.Element {
  const { of: shown, label, empty } = properties;
  return shown === null ? <p class="empty">{empty}</p> : <ShownText of={shown} label={label} />;
}
