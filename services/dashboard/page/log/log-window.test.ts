import { expect, test } from 'vitest';
import { matching, reachesEnd, replaced, windowLines, withNewer, withOlder } from './log-window.ts';

const lines = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ at: (from + index) * 10, text: 'nine char' }));
const answer = (from: number, count: number) => ({
  service: 'runner',
  from: 0,
  to: 1_000_000,
  next: (from + count) * 10,
  lines: lines(from, count),
});

test('older lines come before, and how far that moved the others is told', () => {
  const window = withOlder(replaced(answer(100, 10)), answer(90, 10));
  expect(window.lines.map(({ at }) => at)).toEqual(lines(90, 20).map(({ at }) => at));
  expect(window.shifted).toBe(10);
});

test('a line that is here already does not come twice', () => {
  expect(withOlder(replaced(answer(100, 10)), answer(95, 10)).lines).toHaveLength(15);
  expect(withNewer(replaced(answer(100, 10)), answer(105, 10)).lines).toHaveLength(15);
});

test('the newest go when older ones are read, the oldest when newer ones come', () => {
  const full = replaced(answer(1_000, windowLines));
  expect(withOlder(full, answer(500, 500)).lines.at(-1)?.at).toBe((1_000 + windowLines - 501) * 10);
  const newer = withNewer(full, answer(1_000 + windowLines, 300));
  expect(newer.lines).toHaveLength(windowLines);
  expect(newer.lines[0]?.at).toBe(1_300 * 10);
  expect(newer.shifted).toBe(-300);
});

test('a window whose newest lines went does not reach the end any more', () => {
  const full = { ...replaced(answer(1_000, windowLines)), to: (1_000 + windowLines) * 10 };
  expect(reachesEnd(full)).toBe(true);
  const older = withOlder({ ...full, to: full.to }, { ...answer(500, 500), to: full.to });
  expect(reachesEnd(older)).toBe(false);
  expect(older.next).toBe((1_000 + windowLines - 500) * 10);
});

test('a filter finds what is shown as well as what lies in the file', () => {
  const line = { at: 0, text: '{"level":30,"time":"2026-03-04T12:00:00.000Z","msg":"took","task":"k7m2p"}' };
  for (const words of ['task=k7m2p', '"task":"k7m2p"', 'info took']) expect(matching([line], words)).toEqual([line]);
  expect(matching([line], 'task=other')).toEqual([]);
});

test('a filter does not mind the case', () => {
  const found = matching([...lines(0, 2), { at: 30, text: 'An Error' }], ' error ');
  expect(found.map(({ at }) => at)).toEqual([30]);
});
