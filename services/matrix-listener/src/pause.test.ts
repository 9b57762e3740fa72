import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pause } from './pause.ts';

const long = 60 * 60 * 1000;

test('a pause ends by itself', async () => {
  const { signal } = new AbortController();
  await expect(pause(1, signal)).resolves.toBeUndefined();
});

test('a pause ends with the listener, before or during it', async () => {
  const stop = new AbortController();
  const waiting = pause(long, stop.signal);
  expect(await Promise.race([waiting, setImmediate('it waits')])).toBe('it waits');
  stop.abort();
  await expect(waiting).resolves.toBeUndefined();
  await expect(pause(long, stop.signal)).resolves.toBeUndefined();
});

test('a pause ends when there is something to do', async () => {
  const { signal } = new AbortController();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const waiting = pause(long, signal, promise);
  expect(await Promise.race([waiting, setImmediate('it waits')])).toBe('it waits');
  resolve();
  await expect(waiting).resolves.toBeUndefined();
  expect(timers()).toBe(before);
  await expect(pause(1, signal, new Promise(() => undefined))).resolves.toBeUndefined();
});
