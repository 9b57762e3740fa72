import { expect, test } from 'vitest';
import { isFinal, TaskStatus, takesTurns } from './task-state.ts';
import { firstWait, Wait } from './wait.ts';

const since = '2026-11-20T10:00:00.000Z';

test('who is next waits for its turn, who is at its gate for a person, and nobody else for anything', () => {
  const kinds = new Map(TaskStatus.options.map((status) => [status, firstWait(status, since)?.kind ?? null]));
  for (const [status, kind] of kinds) {
    if (takesTurns(status)) expect(kind, status).toBe('turn');
    else if (isFinal(status)) expect(kind, status).toBeNull();
  }
  expect(kinds.get('pending')).toBe('approval');
  expect(kinds.get('review')).toBe('review');
  expect(kinds.get('planning')).toBeNull();
  expect(kinds.get('running')).toBeNull();
});

test('a first wait is one that a record can hold, since the state began, for nobody by name', () => {
  for (const status of TaskStatus.options) {
    const wait = firstWait(status, since);
    if (wait !== null) expect(Wait.parse(wait)).toEqual({ kind: wait.kind, since, on: [] });
  }
});

test.each([
  { kind: 'sleep', since, on: [] },
  { kind: 'turn', since: '2026-11-20', on: [] },
  { kind: 'turn', since },
  { kind: 'turn', since, on: [], until: since },
  { kind: 'dependency', since, on: Array(51).fill('abcde') },
])('what is no wait is refused: %j', (value) => {
  expect(Wait.safeParse(value).success).toBe(false);
});
