import { disclaimer } from './identity.ts';
import { maximumNamedLines, maximumQuoteCharacters } from './limits.ts';
import type { Task } from './task-list.ts';

/** One line of a stranger's text, cut to a length that can be shown. */
function quote(text: string): string {
  const line = text.trim().split(/\r?\n/)[0] ?? '';
  return line.length > maximumQuoteCharacters ? `${line.slice(0, maximumQuoteCharacters)}…` : line;
}

function nameLines(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length - maximumNamedLines;
  const named = lines.slice(0, maximumNamedLines).map((line) => `- ${quote(line)}`);
  return ['', title, '', ...named, ...(more > 0 ? [`- and ${more} more`] : [])];
}

/** A plan in Markdown: the tasks that were understood, numbered, and the lines that were not. */
export function writePlan(tasks: readonly Task[], notUnderstood: readonly string[]): string {
  const numbered = tasks.map(({ line }, index) => `${index + 1}. ${line}`);
  const list = numbered.length > 0 ? numbered : ['There is no task here that I understand.'];
  return [
    '# Plan',
    '',
    disclaimer,
    '',
    '## Tasks',
    '',
    ...list,
    ...nameLines('## Not understood', notUnderstood),
    '',
  ].join('\n');
}

/** What was done, in Markdown: each task with the first line of what its tool answered. */
export function writeSummary(tasks: readonly Task[], results: readonly string[], notUnderstood: readonly string[]) {
  const done = tasks
    .slice(0, results.length)
    .map(({ line }, index) => `- ${line}: ${quote(results[index] ?? '') || 'no output'}`);
  return [
    '# Summary',
    '',
    disclaimer,
    '',
    ...(done.length > 0 ? done : ['- Nothing was done.']),
    ...nameLines('Not understood:', notUnderstood),
    '',
  ].join('\n');
}

/** Said beside a tool call. */
export function announce(index: number, total: number, line: string): string {
  return `${disclaimer} Task ${index + 1} of ${total}: ${quote(line)}`;
}

/** Plain text of a given size, in lines, for tests of limits. */
export function writeFiller(kilobytes: number): string {
  const line = 'This line is filler that a test asked for; it means nothing.';
  return `${line.padEnd(63, '.')}\n`.repeat(kilobytes * 16);
}
