import type { LogLines } from '@countersign/contracts/page-api.ts';
import { shownLine } from './log-words.ts';

export type LogLine = LogLines['lines'][number];

/** The lines of a log that are here: one piece without a gap, and how far the log itself goes, in bytes. */
export type LogWindow = {
  readonly lines: readonly LogLine[];
  readonly from: number;
  readonly to: number;
  /** How many lines the last change put in, or took out where negative, before the ones that were there. */
  readonly shifted: number;
  /** Behind the last line here. */
  readonly next: number;
};

export const windowLines = 20_000;
export const emptyWindow: LogWindow = { lines: [], from: 0, to: 0, shifted: 0, next: 0 };

/** What an answer says, in place of everything that was here. Pure. */
export function replaced({ lines, from, to, next }: LogLines): LogWindow {
  return { lines, from, to, next, shifted: 0 };
}

/** Older lines before the first one; the newest go where there are too many. Pure. */
export function withOlder(window: LogWindow, answer: LogLines): LogWindow {
  const [first] = window.lines;
  const older = first === undefined ? answer.lines : answer.lines.filter(({ at }) => at < first.at);
  const lines = [...older, ...window.lines];
  return {
    lines: lines.slice(0, windowLines),
    from: answer.from,
    to: Math.max(answer.to, window.to),
    shifted: older.length,
    next: lines[windowLines]?.at ?? window.next,
  };
}

/** Newer lines after the last one; the oldest go where there are too many. Pure. */
export function withNewer(window: LogWindow, answer: Pick<LogLines, 'lines' | 'to' | 'next'>): LogWindow {
  const last = window.lines.at(-1);
  const newer = last === undefined ? answer.lines : answer.lines.filter(({ at }) => at > last.at);
  const lines = [...window.lines, ...newer];
  const dropped = Math.max(0, lines.length - windowLines);
  return {
    ...window,
    lines: lines.slice(dropped),
    to: Math.max(answer.to, window.to),
    shifted: dropped === 0 ? 0 : -dropped,
    next: Math.max(answer.next, window.next),
  };
}

/** Whether nothing newer is in the log than what is here. Pure. */
export function reachesEnd({ next, to }: LogWindow): boolean {
  return next >= to;
}

/** Those that hold the words as they lie in the file or as they are shown, whatever their case. Pure. */
export function matching(lines: readonly LogLine[], words: string): readonly LogLine[] {
  const wanted = words.trim().toLowerCase();
  return wanted === ''
    ? lines
    : lines.filter(({ text }) => text.toLowerCase().includes(wanted) || shownLine(text).toLowerCase().includes(wanted));
}
