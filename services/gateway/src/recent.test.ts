import { expect, test } from 'vitest';
import { Recent } from './recent.ts';

test('asks once for all who wait, and again when the answer is old', async () => {
  const answers = ['first', 'second'];
  let asked = 0;
  const recent = new Recent(async () => answers[asked++], 0);
  expect(recent.last).toBeNull();
  expect(await Promise.all([recent.get(), recent.get(), recent.get()])).toEqual(['first', 'first', 'first']);
  expect(recent.last).toBe('first');
  expect(await recent.get()).toBe('second');
  expect(asked).toBe(2);
});

test('a fresh answer is given again', async () => {
  let asked = 0;
  const recent = new Recent(async () => ++asked, 60_000);
  expect([await recent.get(), await recent.get()]).toEqual([1, 1]);
});

test('a failure is not kept', async () => {
  let asked = 0;
  const recent = new Recent(async () => {
    asked += 1;
    if (asked === 1) throw new Error('first');
    return asked;
  }, 60_000);
  await expect(recent.get()).rejects.toThrow('first');
  expect(await recent.get()).toBe(2);
});
