import type { TaskList, TaskRow } from '@countersign/contracts/page-api.ts';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import { get } from '../api/client.ts';
import { useResource } from '../api/resource.ts';
import { Answer } from '../parts/answer.tsx';
import { Choice } from '../parts/choice.tsx';
import { Head } from '../parts/head.tsx';
import { TaskLine } from '../parts/task-line.tsx';
import { isAsking, rowKey } from '../state/rows.ts';
import { attention, rows } from '../state/store.ts';
import { counted } from '../text/format.ts';

const filters = [
  ['all', 'All', []],
  ['work', 'At work', ['planning', 'running', 'verifying', 'rebasing', 'merging']],
  ['ask', 'Waiting for you', ['pending', 'review']],
  ['queue', 'Queued', ['queued', 'approved', 'interrupted']],
  ['done', 'Done', ['done']],
  ['failed', 'Failed', ['failed', 'invalid', 'expired']],
  ['dropped', 'Dropped', ['cancelled', 'rejected']],
] as const;

/** Every task there is, newest first. */
export function Tasks(): JSX.Element {
  const { query, route } = useLocation();
  const [shown, , statuses] = filters.find(([name]) => name === query['show']) ?? filters[0];
  const search = new URLSearchParams(statuses.map((status) => ['status', status]));
  for (const name of ['workspace', 'run', 'tool'] as const) if (query[name]) search.set(name, query[name]);
  search.set('limit', '50');
  const path = `/api/tasks?${search}`;
  // At work by their state, and so in no answer of this filter.
  const asking = attention.value.filter(
    (row) =>
      isAsking(row) &&
      (['workspace', 'run', 'tool'] as const).every((name) => !query[name] || row[name] === query[name]),
  );
  const list = useResource<TaskList>(path, (batch) => batch.tasks.length > 0);
  return (
    <>
      <Head title="Tasks" tab="Tasks" />
      <div class="filters">
        <Choice
          label="Which tasks"
          of={filters.map(([value, words]) => ({ value, words }))}
          chosen={shown}
          onChoose={(name) => route(name === 'all' ? '/tasks' : `/tasks?show=${name}`)}
        />
      </div>
      <Answer of={list}>
        {(data) => <Listed key={path} first={data} path={path} asking={shown === 'ask' ? asking : []} />}
      </Answer>
    </>
  );
}

function Listed(properties: {
  readonly first: TaskList;
  readonly path: string;
  readonly asking: readonly TaskRow[];
}): JSX.Element {
  const { first, path, asking: asks } = properties;
  const [more, setMore] = useState<TaskList | null>(null);
  const [asking, setAsking] = useState(false);
  const { next } = more ?? first;
  const listed = [...asks, ...first.tasks, ...(more?.tasks ?? [])];
  const seen = new Set<string>();
  const unique = listed.filter((row) => !seen.has(rowKey(row)) && seen.add(rowKey(row)));
  useEffect(() => setMore(null), [path]);
  const ask = async (): Promise<void> => {
    setAsking(true);
    try {
      const answer = await get<TaskList>(`${path}&after=${encodeURIComponent(next ?? '')}`);
      setMore({ ...answer, tasks: [...(more?.tasks ?? []), ...answer.tasks] });
    } catch {
      // The frame says that the server is away; the button is still there.
    } finally {
      setAsking(false);
    }
  };
  return (
    <section class="sheet" aria-label="Tasks">
      <header>
        <h2 class="soft small">{counted(first.total + asks.length, 'task')}</h2>
      </header>
      {unique.length === 0 && <p class="empty">There is none of these.</p>}
      <ul class="wide-list">
        {unique.map((row) => (
          <TaskLine key={rowKey(row)} row={freshest(row)} />
        ))}
      </ul>
      {next !== null && (
        <div class="body more-row">
          <button type="button" disabled={asking} onClick={() => void ask()}>
            {asking ? 'Loading…' : 'Show more'}
          </button>
        </div>
      )}
    </section>
  );
}

/** The stream knows of a change before the list is asked for again. */
function freshest(row: TaskRow): TaskRow {
  const known = rows.value.get(rowKey(row));
  return known !== undefined && known.since > row.since ? known : row;
}
