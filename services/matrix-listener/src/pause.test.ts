import { getEventListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { pause } from './pause.ts';

const long = 60 * 60 * 1000;
const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('a pause ends by itself', async () => {
  const { signal } = new AbortController();
  await expect(pause(1, signal)).resolves.toBeUndefined();
});

test.each(['the listener', 'what there is to do'])('a pause ends with %s, before or during it', async (which) => {
  const [stop, changed] = [new AbortController(), new AbortController()];
  const end = which === 'the listener' ? stop : changed;
  const before = timers();
  const waiting = pause(long, stop.signal, changed.signal);
  expect(await Promise.race([waiting, setImmediate('it waits')])).toBe('it waits');
  end.abort();
  await expect(waiting).resolves.toBeUndefined();
  await expect(pause(long, stop.signal, changed.signal)).resolves.toBeUndefined();
  expect(timers()).toBe(before);
});

test('a pause that is over is kept by nothing, however long its signals live', async () => {
  const [stop, changed] = [new AbortController(), new AbortController()];
  for (let count = 0; count < 20; count += 1) await pause(1, stop.signal, changed.signal);
  expect([stop, changed].map(({ signal }) => listeners(signal))).toEqual([0, 0]);
  const waiting = pause(long, stop.signal, changed.signal);
  expect([stop, changed].map(({ signal }) => listeners(signal))).toEqual([1, 1]);
  changed.abort();
  await waiting;
  expect([stop, changed].map(({ signal }) => listeners(signal))).toEqual([0, 0]);
});
