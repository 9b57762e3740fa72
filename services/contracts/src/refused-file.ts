import { inertLine } from './inert-text.ts';
import { TaskId } from './names.ts';
import { formatProblems, type Problem } from './problem.ts';

/** A task file that was not accepted, as the text beside it in `outbox/invalid/` tells it. */
export type Refusal = {
  /** Null when the file was refused before it became a task. */
  readonly task: TaskId | null;
  /** The bare name of the refused file. */
  readonly file: string;
  readonly problems: readonly Problem[];
};

/** What stands behind the refused file's name to make its explanation's. */
export const refusalSuffix = '.error.txt';

/**
 * The text of `<file>.error.txt`: for people, and so regular that `parseRefusal` reads it back. What acts in a terminal is
 * spelt out, so the name in it may differ from the file's own.
 */
export function formatRefusal({ task, file, problems }: Refusal): string {
  const name = inertLine(file);
  return [
    `${name}: not accepted`,
    formatProblems(
      name,
      problems.map(({ line, message }) => ({ line, message: inertLine(message) })),
    ),
    `What to do: mend it and drop it into inbox/ again.`,
    `task: ${task ?? '-'}`,
    '',
  ].join('\n');
}

/** Null when the text is not one of `formatRefusal`. */
export function parseRefusal(text: string): Refusal | null {
  const lines = text.trimEnd().split('\n');
  const file = /^(.*): not accepted$/.exec(lines[0] ?? '')?.[1];
  const task = /^task: (\S+)$/.exec(lines.at(-1) ?? '')?.[1];
  if (file === undefined || task === undefined) return null;
  const id = TaskId.safeParse(task);
  if (!id.success && task !== '-') return null;
  return {
    task: id.success ? id.data : null,
    file,
    problems: lines.slice(1, -2).flatMap((line) => problemOf(file, line)),
  };
}

function problemOf(file: string, line: string): Problem[] {
  if (!line.startsWith(`${file}:`)) return [];
  const [, number, message] = /^(\d+): (.*)$/.exec(line.slice(file.length + 1)) ?? [];
  return number === undefined || message === undefined ? [] : [{ line: Number(number), message }];
}
