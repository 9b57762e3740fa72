import { flagText } from '@countersign/contracts/diff-flag-text.ts';
import type { TaskRow } from '@countersign/contracts/page-api.ts';
import type { ComponentChildren, JSX } from 'preact';
import { groupOf, rowKey } from '../state/rows.ts';
import { counted } from '../text/format.ts';
import { spaced } from '../text/status-words.ts';
import { Foreign } from './foreign.tsx';
import { TaskState } from './status.tsx';
import { Ago, Elapsed } from './time.tsx';

/** Where a task's page is; a file that the runner has not taken has none. */
export function taskPath(task: string): string {
  return `/tasks/${encodeURIComponent(task)}`;
}

/** A task's title, as the link of the whole line or card where there is a page. */
export function TaskTitle({ row }: { readonly row: TaskRow }): JSX.Element {
  const title = <Foreign text={row.title === '' ? row.file : row.title} />;
  return row.task === null ? (
    <span class="title">{title}</span>
  ) : (
    <a class="title" href={taskPath(row.task)}>
      {title}
    </a>
  );
}

/** Where it belongs, in few words. */
export function TaskMeta({ row, short = false }: { readonly row: TaskRow; readonly short?: boolean }): JSX.Element {
  return (
    <span class="meta dot-list">
      {row.task !== null && <code>{row.task}</code>}
      {row.workspace !== null && (
        <span>
          <Foreign text={row.workspace} />
        </span>
      )}
      {row.stage !== null && <Stage stage={row.stage} />}
      {!short && row.model !== null && (
        <span>
          <Foreign text={row.model} />
        </span>
      )}
      {row.attempts > 1 && <span>attempt {row.attempts}</span>}
    </span>
  );
}

/** What goes straight to people is marked. */
function Stage({ stage }: { readonly stage: string }): JSX.Element {
  return (
    <span>
      <span class={stage === 'prod' ? 'tag prod' : ''}>
        <Foreign text={stage} />
      </span>
    </span>
  );
}

/** Why it is as it is; empty where there is nothing to say. */
export function reasonOf({ cancellation, reason }: Pick<TaskRow, 'cancellation' | 'reason'>): string {
  if (cancellation === null) return reason;
  const { user, reason: why } = cancellation;
  return `being cancelled, as ${user} decided${why === '' ? '' : `: ${why}`}`;
}

/** How much was changed, and whether any of it deserves eyes. */
export function Change({ change }: { readonly change: NonNullable<TaskRow['change']> }): JSX.Element {
  return (
    <span class="row small">
      <span>{counted(change.files, 'file')}</span>
      <span class="tone-good">+{change.insertions.toLocaleString('en')}</span>
      <span class="tone-bad">−{change.deletions.toLocaleString('en')}</span>
      {change.flags.length > 0 && <Flags flags={change.flags} />}
    </span>
  );
}

export function Flags({ flags }: { readonly flags: readonly string[] }): JSX.Element {
  const known: Readonly<Record<string, string>> = flagText;
  return (
    <>
      {flags.map((flag) => (
        <span key={flag} class="tag flag" title={Object.hasOwn(known, flag) ? known[flag] : ''}>
          <span aria-hidden="true">⚑</span>
          <Foreign text={spaced(flag)} />
        </span>
      ))}
    </>
  );
}

/** One task of a list. */
export function TaskLine({
  row,
  children,
}: {
  readonly row: TaskRow;
  readonly children?: ComponentChildren;
}): JSX.Element {
  const group = groupOf(row);
  const reason = reasonOf(row);
  return (
    <li class="task-line" data-key={rowKey(row)}>
      <TaskTitle row={row} />
      <span class="end">
        <TaskState of={row} />
      </span>
      <TaskMeta row={row} short />
      <span class="end soft">{group === 'ended' ? <Ago at={row.since} /> : <Elapsed since={row.since} />}</span>
      {reason !== '' && (
        <span class="reason">
          <Foreign text={reason} />
        </span>
      )}
      {children}
    </li>
  );
}

/** A list of tasks under its heading. */
export function TaskList(properties: {
  readonly title: string;
  readonly rows: readonly TaskRow[];
  readonly empty: string;
  readonly action?: ComponentChildren;
}): JSX.Element {
  const { title, rows, empty, action } = properties;
  return (
    <section class="sheet">
      <header>
        <h2>
          {title} <span class="soft">{rows.length > 0 ? rows.length : ''}</span>
        </h2>
        {action}
      </header>
      {rows.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <ul>
          {rows.map((row) => (
            <TaskLine key={rowKey(row)} row={row} />
          ))}
        </ul>
      )}
    </section>
  );
}
