import { setImmediate as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { allEnded, inParallel } from './in-parallel.ts';

test('no more than the limit are under way, and outcomes keep the order of the items', async () => {
  let active = 0;
  let most = 0;
  const outcomes = await inParallel([5, 1, 4, 2, 3], 2, async (turns) => {
    active += 1;
    most = Math.max(most, active);
    for (let turn = 0; turn < turns; turn += 1) await pause();
    active -= 1;
    return turns * 10;
  });
  expect(outcomes).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

test('a failure is thrown when what was begun has ended, and nothing more is begun', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const done = inParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('no');
    await pause();
    ended.push(item);
  });
  await expect(done).rejects.toThrow('no');
  expect(begun).toEqual([1, 2]);
  expect(ended).toEqual([2]);
});

test('of nothing comes nothing', async () => {
  expect(await inParallel([], 3, () => Promise.reject(new Error('not called')))).toEqual([]);
});

test('all of them come to what each comes to, in their order', async () => {
  const slow = pause().then(() => 'slow');
  expect(await allEnded([slow, Promise.resolve(1)])).toEqual(['slow', 1]);
});

test('the first failure is thrown when all have ended', async () => {
  let ended = false;
  const slow = (async () => {
    for (let turn = 0; turn < 5; turn += 1) await pause();
    ended = true;
  })();
  await expect(allEnded([Promise.reject(new Error('first')), slow])).rejects.toThrow('first');
  expect(ended).toBe(true);
});
