import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

test('work on one key is done in order, also after a failure; other keys do not wait', async () => {
  const turns = new Turns<string>();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const failing = turns.take('a', async () => {
    await gate.promise;
    order.push('a1');
    throw new Error('a1 failed');
  });
  const second = turns.take('a', async () => order.push('a2'));
  await turns.take('b', async () => order.push('b'));
  gate.resolve();
  await expect(failing).rejects.toThrow('a1 failed');
  await second;
  expect(order).toEqual(['b', 'a1', 'a2']);
});
