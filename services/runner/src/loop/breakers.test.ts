import type { ErrorClass, JournalEvent } from '@countersign/contracts/event.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { makeRecord, states } from '../testing/record.ts';
import { type BreakerNews, Breakers } from './breakers.ts';

const settings = { failures: 3, waitMs: 60_000 };
const key = { workspace: 'project', tool: 'agent' };

beforeEach(() => vi.useFakeTimers({ now: new Date('2026-11-20T10:00:00.000Z'), toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

function begin(told: readonly JournalEvent[] = []) {
  const news: BreakerNews[] = [];
  const breakers = new Breakers(settings, told, (one) => {
    if (one !== null) news.push(one);
  });
  let count = 0;
  /** One task runs and ends. */
  const run = async (end: ErrorClass | 'done' | 'cancelled', changes: Parameters<typeof makeRecord>[0] = {}) => {
    const id = `task${++count}`;
    const running = makeRecord({ id, state: states.running, ...changes });
    breakers.begins(running);
    breakers.told(running);
    const state =
      end === 'done' || end === 'cancelled' ? states[end] : { ...states.failed, error_class: end, result: null };
    breakers.told({ ...running, state });
    await breakers.settled();
  };
  return { breakers, run, news, events: () => news.map(({ event }) => event) };
}

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);

test('it opens after so many failures of one kind in a row, and tasks wait with the reason', async () => {
  const { breakers, run, events } = begin();
  await run('tool_failed');
  await run('tool_failed');
  expect(breakers.mayBegin(key)).toBeNull();
  await run('tool_failed');
  expect(events()).toEqual(['breaker_opened']);
  expect(breakers.mayBegin(key)).toEqual({
    wait: { kind: 'breaker', on: ['project', 'agent'] },
    reason:
      'agent failed 3 times in a row in project (tool_failed); one task may try again at 2026-11-20T10:01:00.000Z',
  });
  expect(breakers.open()).toEqual([
    {
      ...key,
      state: 'open',
      error_class: 'tool_failed',
      failures: 3,
      since: '2026-11-20T10:00:00.000Z',
      until: '2026-11-20T10:01:00.000Z',
    },
  ]);
});

test('other workspaces and other tools go on', async () => {
  const { breakers, run } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  expect(breakers.mayBegin({ ...key, workspace: 'other' })).toBeNull();
  expect(breakers.mayBegin({ ...key, tool: 'other' })).toBeNull();
});

test('failures of several kinds, and a success in between, begin to count anew', async () => {
  const { breakers, run, events } = begin();
  for (const end of ['tool_failed', 'tool_failed', 'timeout', 'timeout', 'done', 'timeout', 'timeout'] as const)
    await run(end);
  expect(events()).toEqual([]);
  expect(breakers.mayBegin(key)).toBeNull();
});

test.each<ErrorClass>([
  'sandbox_lost',
  'model_unreachable',
  'model_missing',
  'interrupted_twice',
  'internal',
  'stopped',
])('F10 %s says nothing of the tool, however often', async (end) => {
  const { breakers, run, events } = begin();
  for (const _ of [1, 2, 3, 4, 5]) await run(end);
  expect(events()).toEqual([]);
  expect(breakers.mayBegin(key)).toBeNull();
});

test('after its wait one task tries, alone, and closes it when it gets through', async () => {
  const { breakers, run, events } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  pass(60_001);
  expect(breakers.mayBegin(key)).toBeNull();
  const probe = makeRecord({ id: 'probe', state: states.running });
  breakers.begins(probe);
  breakers.told(probe);
  expect(breakers.mayBegin(key)?.reason).toContain('probe tries whether it goes again');
  expect(breakers.open()).toMatchObject([{ state: 'probing' }]);
  breakers.told({ ...probe, state: states.done });
  await breakers.settled();
  expect(breakers.mayBegin(key)).toBeNull();
  expect(breakers.open()).toEqual([]);
  expect(events()).toEqual(['breaker_opened', 'breaker_probing', 'breaker_closed']);
});

test('a probe that fails opens it again, for as long', async () => {
  const { breakers, run, events } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  pass(60_001);
  await run('tool_failed');
  expect(events()).toEqual(['breaker_opened', 'breaker_probing', 'breaker_opened']);
  pass(59_000);
  expect(breakers.mayBegin(key)?.reason).toContain('one task may try again at');
  pass(2_000);
  expect(breakers.mayBegin(key)).toBeNull();
});

test('a probe that is cancelled decides nothing, and another task may try', async () => {
  const { breakers, run, events } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  pass(60_001);
  await run('cancelled');
  expect(breakers.mayBegin(key)).toBeNull();
  expect(breakers.open()).toMatchObject([{ state: 'open' }]);
  await run('done');
  expect(events().at(-1)).toBe('breaker_closed');
});

test('a probe that could not begin lets the next one try, and is told of once however often it is tried', async () => {
  const { breakers, run, events } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  pass(60_001);
  const probe = makeRecord({ id: 'probe' });
  for (const _ of [1, 2, 3]) {
    breakers.begins(probe);
    expect(breakers.mayBegin(key)?.reason).toContain('probe tries whether it goes again');
    breakers.letGo(probe);
    expect(breakers.mayBegin(key)).toBeNull();
    expect(breakers.open()).toMatchObject([{ state: 'open' }]);
  }
  expect(events()).toEqual(['breaker_opened', 'breaker_probing']);
});

test.each(['running', 'verifying'] as const)('a probe that is %s is let go by its outcome alone', async (status) => {
  const { breakers, run } = begin();
  for (const _ of [1, 2, 3]) await run('tool_failed');
  pass(60_001);
  const probe = makeRecord({ id: 'probe' });
  breakers.begins(probe);
  breakers.letGo({ ...probe, state: states[status] });
  expect(breakers.mayBegin(key)?.reason).toContain('probe tries whether it goes again');
});

test.each(['cancelled', 'failed'] as const)(
  'a probe that is %s while it is interrupted is none any more',
  async (end) => {
    const { breakers, run } = begin();
    for (const _ of [1, 2, 3]) await run('tool_failed');
    pass(60_001);
    const probe = makeRecord({ id: 'probe', state: states.interrupted });
    breakers.told(probe);
    breakers.begins(probe);
    breakers.told({ ...probe, state: states[end] });
    await breakers.settled();
    expect(breakers.mayBegin(key)).toBeNull();
  },
);

test('what began before it opened and ends while it is open changes nothing', async () => {
  const { breakers, run } = begin();
  const early = makeRecord({ id: 'early', state: states.running });
  breakers.told(early);
  for (const _ of [1, 2, 3]) await run('tool_failed');
  breakers.told({ ...early, state: states.done });
  await breakers.settled();
  expect(breakers.mayBegin(key)?.wait.kind).toBe('breaker');
});

test('an open one survives a restart, with its time; a closed one stays closed', async () => {
  const first = begin();
  for (const _ of [1, 2, 3]) await first.run('tool_failed');
  const event = (one: BreakerNews, ts: string) => ({ ts, ...one }) as unknown as JournalEvent;
  const opened = first.news.map((one) => event(one, '2026-11-20T10:00:00.000Z'));
  const second = begin(opened);
  expect(second.breakers.mayBegin(key)?.reason).toContain('one task may try again at 2026-11-20T10:01:00.000Z');
  pass(60_001);
  await second.run('done');
  expect(second.breakers.mayBegin(key)).toBeNull();
  const closed = second.news.map((one) => event(one, '2026-11-20T10:02:00.000Z'));
  expect(begin([...opened, ...closed]).breakers.open()).toEqual([]);
});

test('a restart goes on counting where it was', async () => {
  const { breakers, run, events } = begin();
  const failed = (id: string, minute: number) =>
    makeRecord({ id, state: { ...states.failed, since: `2026-11-20T09:0${minute}:00.000Z` } });
  breakers.resume([
    failed('b', 2),
    failed('a', 1),
    makeRecord({ id: 'c', state: { ...states.done, since: '2026-11-20T09:00:00.000Z' } }),
  ]);
  expect(events()).toEqual([]);
  await run('tool_failed');
  expect(events()).toEqual(['breaker_opened']);
});
