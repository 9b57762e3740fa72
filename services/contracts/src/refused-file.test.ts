import { expect, test } from 'vitest';
import { formatRefusal, parseRefusal } from './refused-file.ts';

const problems = [
  { line: 3, message: 'unknown key "x"; allowed: a, b' },
  { line: 1, message: 'workspace: needed' },
];

test('a person reads the file, the lines in order, what to do, and the task', () => {
  expect(formatRefusal({ task: 'abcde', file: 'x.md', problems })).toBe(
    [
      'x.md: not accepted',
      'x.md:1: workspace: needed',
      'x.md:3: unknown key "x"; allowed: a, b',
      'What to do: mend it and drop it into inbox/ again.',
      'task: abcde',
      '',
    ].join('\n'),
  );
});

test.each(['abcde', null])('what was written is read back (task %s)', (task) => {
  const parsed = parseRefusal(formatRefusal({ task, file: 'a: b.md', problems }));
  expect(parsed).toEqual({ task, file: 'a: b.md', problems: [...problems].reverse() });
});

test('a name or message with line feeds and escape sequences stays on its line and acts on nothing', () => {
  const file = 'x\ntask: evil1\u001b]0;t\u0007.md';
  const text = formatRefusal({ task: null, file, problems: [{ line: 1, message: 'a\ntask: evil2' }] });
  expect(text.split('\n')).toHaveLength(5);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(parseRefusal(text)?.task).toBeNull();
});

test.each(['', 'hello', 'x.md: not accepted\n', 'x.md: not accepted\ntask: ../etc\n', 'task: -\n'])(
  '%j is none',
  (text) => {
    expect(parseRefusal(text)).toBeNull();
  },
);
