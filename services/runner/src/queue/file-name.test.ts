import { errorFileName } from '@countersign/contracts/task-file/file-name.ts';
import { expect, test } from 'vitest';
import { refusedName, withSuffix } from './file-name.ts';

const id = 'k7f3q';

test.each([
  ['x.md', 'x.k7f3q.md'],
  ['X.MD', 'X.k7f3q.MD'],
  ['a.b.md', 'a.b.k7f3q.md'],
  ['no extension', 'no extension.k7f3q'],
  ['.md', '.k7f3q.md'],
  ['a\nb "c".md', 'a\nb "c".k7f3q.md'],
])('%j gets its id before the extension', (name, expected) => {
  expect(withSuffix(name, id)).toBe(expected);
});

test.each(['a'.repeat(252), '🙂'.repeat(63), 'é'.repeat(126)])('a name of 255 bytes stays one, and text', (stem) => {
  for (const made of [withSuffix(`${stem}.md`, id), refusedName(`${stem}.md`, id)]) {
    expect(Buffer.byteLength(made)).toBeLessThanOrEqual(255);
    expect(made.isWellFormed()).toBe(true);
    expect(made).toMatch(/\.k7f3q\.md$/);
  }
});

test('the text beside a refused file has the file’s whole name in its own', () => {
  const name = refusedName(`${'a'.repeat(252)}.md`, id);
  expect(errorFileName(name)).toBe(`${name}.error.txt`);
});
