import type { JSX } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { followTask } from '../api/stream.ts';
import { outputOf } from '../state/output.ts';
import { Scrolls } from './scrolls.tsx';
import { AnsiText } from './terminal.tsx';

const shownCharacters = 4_000;

/** The last lines that a task at work has written, as they come. */
export function LiveOutput({ task, title }: { readonly task: string; readonly title: string }): JSX.Element {
  useLayoutEffect(() => followTask(task), [task]);
  const { text } = outputOf(task).value;
  const last = text.slice(-shownCharacters).trimEnd();
  return (
    <Scrolls class={`terminal short${last === '' ? ' waits' : ''}`} label={`Output: ${title}`}>
      <div>{last === '' ? 'No output yet.' : <AnsiText text={last} />}</div>
    </Scrolls>
  );
}
