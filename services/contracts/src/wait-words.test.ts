import { expect, test } from 'vitest';
import { WaitKind } from './wait.ts';
import { isHeldUp, waitedFor, waitWords } from './wait-words.ts';

test.each([
  ['turn', [], 'its turn'],
  ['workspace', ['demo'], 'workspace demo'],
  ['model_slot', ['qwen3'], 'a slot of model qwen3'],
  ['stage', ['staging'], 'a slot of stage staging'],
  ['approval', [], 'approval'],
  ['dependency', ['abcde'], 'task abcde'],
  ['dependency', ['abcde', 'fghij', 'kmnpq'], 'task abcde, fghij and kmnpq'],
  ['dependency', ['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg'], 'task aa, bb, cc, dd, ee and 2 more'],
  ['disk', ['ignored'], 'room on the disk'],
  ['paused', ['ada'], 'the queue, which is paused by ada'],
  ['breaker', ['demo', 'agent'], 'the breaker of agent in demo'],
  ['breaker', [], 'its breaker, which is open'],
] as const)('%s of %j is %j', (kind, on, words) => {
  expect(waitedFor({ kind, on: [...on] })).toBe(words);
  expect(waitWords({ kind, on: [...on] })).toBe(`waits for ${words}`);
});

test('every kind has words of its own', () => {
  const words = WaitKind.options.map((kind) => waitWords({ kind, on: [] }));
  expect(new Set(words).size).toBe(words.length);
});

test('why stands behind it, and a sentence that was made is not made again', () => {
  const wait = { kind: 'disk', on: [] } as const;
  const once = waitWords({ ...wait, on: [] }, 'less than 2048 MB are free');
  expect(once).toBe('waits for room on the disk: less than 2048 MB are free');
  expect(waitWords({ ...wait, on: [] }, once)).toBe(once);
  const other = 'approved; waits for its turn';
  expect(waitWords({ kind: 'turn', on: [] }, other)).toBe(other);
});

test('other work that goes first, and a person, are no trouble', () => {
  const troubles = WaitKind.options.filter((kind) => isHeldUp({ kind }));
  expect(troubles).toEqual(['dependency', 'model', 'launcher', 'profile', 'disk', 'paused', 'breaker']);
});
