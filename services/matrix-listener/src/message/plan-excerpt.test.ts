import { expect, test } from 'vitest';
import { escapeHtml, jsonBytes } from './content.ts';
import { describeLeft, excerptOf } from './plan-excerpt.ts';

const plain = (line: string) => line;

test('what fits is shown whole, each line marked', () => {
  const excerpt = excerptOf(['one', '', '| two'], 100, plain);
  expect(excerpt).toEqual({ lines: ['| one', '| ', '| | two'], left: null });
  expect(describeLeft(excerpt, 'scripts/countersign show abcde')).toBeNull();
});

test('what is left out is counted', () => {
  const lines = Array.from({ length: 1_000 }, (_, index) => `line ${index}`);
  const excerpt = excerptOf(lines, 219, plain);
  const left = excerpt.left ?? { isCut: false, lines: 0, characters: 0 };
  expect(excerpt.lines.length + left.lines).toBe(1_000);
  expect(excerpt.lines[0]).toBe('| line 0');
  expect(left.isCut).toBe(true);
  expect(describeLeft(excerpt, 'scripts/countersign show abcde')).toMatch(
    /^… the rest of this line and 9\d\d more lines, \d,\d{3} characters: scripts\/countersign show abcde$/,
  );
});

test('a single line without end is cut between its characters', () => {
  const excerpt = excerptOf(['🙂'.repeat(10_000)], 100, plain);
  expect(excerpt.lines).toHaveLength(1);
  expect(excerpt.lines[0]).toMatch(/^\| (?:🙂)+…$/u);
  const shown = [...(excerpt.lines[0] ?? '')].length - 3;
  expect(excerpt.left).toEqual({ isCut: true, lines: 0, characters: 10_000 - shown });
  expect(describeLeft(excerpt, 'scripts/countersign show abcde')).toMatch(
    /^… the rest of this line, 9,9\d\d characters: /,
  );
});

test('without room nothing is shown, and that is said', () => {
  const excerpt = excerptOf(['one', 'two'], 0, plain);
  expect(excerpt).toEqual({ lines: [], left: { isCut: false, lines: 2, characters: 6 } });
  expect(describeLeft(excerpt, 'scripts/countersign show abcde')).toBe(
    '… 2 more lines, 6 characters: scripts/countersign show abcde',
  );
});

test.each(['"', '<', '&', "'", '\\', '🙂', 'é', 'x', ''])(
  'lines of %j have no more bytes than there is room for',
  (character) => {
    for (const bytes of [50, 1_000, 24_000])
      for (const [length, count] of [
        [0, 500],
        [1, 500],
        [80, 500],
        [70_000, 2],
      ] as const) {
        const lines = Array.from({ length: count }, () => character.repeat(length));
        const { lines: shown } = excerptOf(lines, bytes, escapeHtml);
        expect(jsonBytes(`${shown.join('\n')}\n`) - 2).toBeLessThanOrEqual(bytes);
        expect(shown.length).toBeGreaterThan(0);
      }
  },
);
