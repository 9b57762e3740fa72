import { expect, test } from 'vitest';
import type { ConfinementProof } from './confinement.ts';
import { queueWords } from './queue-words.ts';

const since = '2026-11-20T10:00:00.000Z';
const until = '2026-11-20T10:10:00.000Z';
const breaker = { workspace: 'demo', tool: 'agent', error_class: 'tool_failed', since, until } as const;

test('what holds up the queue is told in a line each, the pause first', () => {
  const paused = { since, by: 'ada', reason: 'moving house' };
  const breakers = [
    { ...breaker, state: 'open' as const, failures: 3 },
    { ...breaker, state: 'probing' as const, failures: 1 },
  ];
  expect(queueWords({ version: 1, paused, breakers })).toEqual([
    `the queue is paused since ${since} by ada: moving house`,
    `the breaker of agent in demo is open since ${since}, after 3 failures in a row (tool_failed); one task may try again at ${until}`,
    `the breaker of agent in demo is open since ${since}, after one failure (tool_failed); one task tries now whether it goes again`,
  ]);
});

test('nothing is told where nothing is in the way, and no reason where none was given', () => {
  expect(queueWords({ version: 1, paused: null, breakers: [] })).toEqual([]);
  expect(queueWords({ version: 1, paused: { since, by: 'ada', reason: '' }, breakers: [] })).toEqual([
    `the queue is paused since ${since} by ada`,
  ]);
});

test('sandboxes that are not confined are told; those that are hold up nothing', () => {
  const proof = {
    profile: 'default',
    toolchain: 'own',
    image: `sha256:${'a'.repeat(64)}`,
    runtime: 'runc',
    at: since,
    status: 'confined',
    failed: [],
    reason: '',
  } as const;
  const sandboxes: ConfinementProof[] = [
    { ...proof, failed: [] },
    { ...proof, status: 'leaks', failed: ['network', 'names'], toolchain: 'workspace' },
    { ...proof, status: 'untried', failed: ['sockets'], reason: 'the sandbox is gone' },
  ];
  expect(queueWords({ version: 1, paused: null, breakers: [], sandboxes })).toEqual([
    'sandboxes of profile default, in a workspace’s own image, are not confined (network, names), and no task runs in them',
    'sandboxes of profile default could not be tried for leaks, and no task runs in them: the sandbox is gone',
  ]);
});
