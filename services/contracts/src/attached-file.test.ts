import { expect, test } from 'vitest';
import { AttachedFileName, patchFileName, planFileName } from './attached-file.ts';
import { WorkspaceName } from './names.ts';

test('a file is named for its task and for what it holds', () => {
  expect(patchFileName('e67dw', 'demo')).toBe('e67dw-demo.patch');
  expect(planFileName('e67dw')).toBe('e67dw-plan.md');
});

test.each(['a', '_x.y', 'a'.repeat(64), 'x.html', 'A-b_c'])('every repository gives a name: %s', (repository) => {
  expect(WorkspaceName.safeParse(repository).success).toBe(true);
  expect(AttachedFileName.safeParse(patchFileName('a'.repeat(32), repository)).success).toBe(true);
});

test.each([
  '',
  'e67dw.patch',
  'e67dw-.patch',
  'e67dw-demo.html',
  'e67dw-demo.patch.html',
  'e67dw-demo.patch\n',
  'e67dw-de/mo.patch',
  'e67dw-de\\mo.patch',
  'e67dw-..patch',
  'e67dw-a..b.patch',
  '../e67dw-demo.patch',
  '-e67dw-demo.patch',
  'E67DW-demo.patch',
  'e67dw-dem\u202e.patch',
  'e67dw-d mo.patch',
  'e67dw-"demo.patch',
  'e67dw-plan.md.exe',
  'e67dw-other.md',
  'plan.md',
  `e67dw-${'a'.repeat(65)}.patch`,
])('any other is none of ours: %j', (name) => {
  expect(AttachedFileName.safeParse(name).success).toBe(false);
});
