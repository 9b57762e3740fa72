import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { rowOf } from '../rows/task-row.ts';
import { queued, running, task } from '../testing/records.ts';
import { Feed, type FeedSource, type Told } from './feed.ts';

const row = rowOf(makeRecord(queued, { id: 'one' }));
const following = { after: null, tasks: ['one'], services: [] };

/** A feed of one task that changes at position 2, and everything that one stream hears of it. */
function feedOf(source: Partial<FeedSource>) {
  const told: Told[] = [];
  const feed = new Feed({
    volumes: '/nowhere',
    positions: () => ({ base: 0, now: 1 }),
    changed: (position) => (position < 2 ? [row] : []),
    record: () => null,
    surroundings: () => ({}),
    ...source,
  });
  return { feed, told, hear: (one: Told) => void told.push(one) };
}

test('while the index is being made, how the services are is told, and everything is asked for anew behind it', async () => {
  let isThere = true;
  let queue = { version: 1 as const, paused: null, breakers: [] };
  const { feed, told, hear } = feedOf({
    positions: () => (isThere ? { base: 5, now: 5 } : null),
    surroundings: () => ({ files: undefined, queue, troubles: undefined }),
  });
  isThere = false;
  feed.subscribe(following, hear);
  await feed.tick();
  expect(told).toEqual([{ kind: 'batch', position: null, batch: { tasks: [], output: [], log: [], queue } }]);
  queue = { ...queue };
  await feed.tick();
  await feed.tick();
  expect(told).toHaveLength(2);
  isThere = true;
  await feed.tick();
  expect(told.at(-1)).toEqual({ kind: 'reset', position: '5' });
});

test('what could not be asked for at once is told the next time', async () => {
  let now = 1;
  let fails = true;
  const { feed, told, hear } = feedOf({
    positions: () => ({ base: 0, now }),
    changed: () => {
      if (fails) throw new Error('not now');
      return [row];
    },
  });
  feed.subscribe(following, hear);
  now = 2;
  await feed.tick();
  expect(told).toEqual([]);
  fails = false;
  await feed.tick();
  await feed.tick();
  expect(told).toMatchObject([{ position: '2', batch: { tasks: [{ task: 'one' }] } }]);
});

test('output that cannot be read keeps nobody from hearing what a task came to', async () => {
  let now = 1;
  const { feed, told, hear } = feedOf({
    positions: () => ({ base: 0, now }),
    record: () => {
      if (now === 2) throw new Error('not readable');
      return task('one', running);
    },
  });
  feed.subscribe(following, hear);
  now = 2;
  await feed.tick();
  expect(told).toMatchObject([{ position: '2', batch: { tasks: [{ task: 'one' }], output: [] } }]);
});
