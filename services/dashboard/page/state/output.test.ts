import { expect, test } from 'vitest';
import { keptCharacters, noOutput, withPiece } from './output.ts';

const piece = (at: number, text: string, fields = {}) => ({
  attempt: 1,
  part: 'run' as const,
  stream: 'stdout' as const,
  at,
  text,
  ...fields,
});

test('pieces follow one another', () => {
  const output = withPiece(withPiece(noOutput, piece(0, 'one\n')), piece(4, 'two\n'));
  expect(output.text).toBe('one\ntwo\n');
  expect(output.ends.get('run stdout')).toBe(8);
});

test('a piece that came twice is there once', () => {
  const once = withPiece(noOutput, piece(0, 'one\n'));
  expect(withPiece(once, piece(0, 'one\n'))).toEqual(once);
});

test('of a piece that overlaps, only what is new comes in, also after characters of several bytes', () => {
  const first = withPiece(noOutput, piece(0, 'é\n'));
  expect(withPiece(first, piece(0, 'é\nnew\n')).text).toBe('é\nnew\n');
});

test('both of its files have their own places', () => {
  const output = withPiece(withPiece(noOutput, piece(0, 'out\n')), piece(0, 'err\n', { stream: 'stderr' }));
  expect(output.text).toBe('out\nerr\n');
  expect([...output.ends.values()]).toEqual([4, 4]);
});

test('another attempt begins anew, an older one is passed over', () => {
  const second = withPiece(withPiece(noOutput, piece(0, 'one\n')), piece(0, 'two\n', { attempt: 2 }));
  expect(second.text).toBe('two\n');
  expect(withPiece(second, piece(4, 'late\n'))).toBe(second);
});

test('only the end is kept, from the beginning of a line', () => {
  const line = `${'x'.repeat(99)}\n`;
  const output = withPiece(noOutput, piece(0, line.repeat(1_000)));
  expect(output.text.length).toBeLessThanOrEqual(keptCharacters);
  expect(output.text.startsWith('x'.repeat(99))).toBe(true);
  expect(output.ends.get('run stdout')).toBe(100_000);
});

test('each part of an attempt begins at its own beginning', () => {
  const checked = withPiece(withPiece(noOutput, piece(0, 'work\n')), piece(0, 'check\n', { part: 'postconditions' }));
  expect(checked.text).toBe('work\ncheck\n');
});
