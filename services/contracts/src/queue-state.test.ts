import { expect, test } from 'vitest';
import { QueueState } from './queue-state.ts';

const since = '2026-11-20T10:00:00.000Z';
const open = {
  workspace: 'project',
  tool: 'agent',
  state: 'open',
  error_class: 'tool_failed',
  failures: 3,
  since,
  until: '2026-11-20T10:10:00.000Z',
};

test.each([
  { version: 1, paused: null, breakers: [] },
  { version: 1, paused: { since, by: 'ada', reason: '' }, breakers: [open, { ...open, state: 'probing' }] },
])('a queue as it may be: %j', (state) => {
  expect(QueueState.parse(state)).toEqual(state);
});

test.each([
  { version: 2, paused: null, breakers: [] },
  { version: 1, paused: false, breakers: [] },
  { version: 1, paused: null, breakers: [{ ...open, state: 'closed' }] },
  { version: 1, paused: null, breakers: [{ ...open, failures: 0 }] },
  { version: 1, paused: null, breakers: [{ ...open, until: 'later' }] },
  { version: 1, paused: null, breakers: [], more: true },
])('what is none is refused: %j', (state) => {
  expect(QueueState.safeParse(state).success).toBe(false);
});
