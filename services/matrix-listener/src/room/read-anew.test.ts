import { expect, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { pause } from '../pause.ts';
import { bot, said } from '../testing/room-events.ts';
import { beginSync as begin } from '../testing/sync-ground.ts';
import type { SyncAnswer } from './observed.ts';

const { signal } = new AbortController();

test('A32 a homeserver that allows no more for a while is asked again when it said, and not before', async () => {
  const asked: number[] = [];
  const { start, troubles } = await begin([], {
    sync: async () => {
      asked.push(performance.now());
      throw new HomeserverError('limited', 'slow down', { retryAfterMs: 1_500 });
    },
  });
  const stop = new AbortController();
  const running = start().run(stop.signal);
  await expect.poll(() => asked.length, { timeout: 9_000 }).toBe(2);
  stop.abort();
  await running;
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(1_490);
  expect(troubles.report.reason).toBe('the homeserver: slow down');
});

const waiting: readonly [string, (signal: AbortSignal) => Promise<SyncAnswer>][] = [
  [
    'holds a sync open',
    (held) => new Promise((_, reject) => held.addEventListener('abort', () => reject(held.reason), { once: true })),
  ],
  ['asks to wait for minutes', () => Promise.reject(new HomeserverError('limited', 'x', { retryAfterMs: 300_000 }))],
];
test.each(waiting)(
  'A30 a homeserver that %s keeps the room from being read anew no longer, who the bot is included',
  async (_, answer) => {
    let keeps = true;
    const asked: string[] = [];
    const { server, start, troubles } = await begin([], {
      whoAmI: async () => {
        asked.push('whoAmI');
        return bot;
      },
    });
    const sync = start({
      sync: async (since, holdMs, held) => {
        asked.push('sync');
        return keeps ? await answer(held) : await server.sync(since, Math.min(holdMs, 10), held);
      },
    });
    const stop = new AbortController();
    const running = sync.run(stop.signal);
    await expect.poll(() => asked).toEqual(['whoAmI', 'sync']);
    await pause(50, signal);
    const read = sync.readAnew();
    keeps = false;
    await read;
    expect(asked.slice(0, 4)).toEqual(['whoAmI', 'sync', 'whoAmI', 'sync']);
    await expect.poll(() => troubles.report.status).toBe('ok');
    stop.abort();
    await running;
  },
);

test('what was read by a turn that had begun before it was asked for is no new reading', async () => {
  const { server, start } = await begin([]);
  const answers: (() => void)[] = [];
  const sync = start({
    sync: async (since) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return await server.sync(since, 0, signal);
    },
  });
  const stop = new AbortController();
  const running = sync.run(stop.signal);
  await expect.poll(() => answers.length).toBe(1);
  let isRead = false;
  void sync.readAnew().then(() => {
    isRead = true;
  });
  answers[0]?.();
  await expect.poll(() => answers.length).toBe(2);
  await pause(50, signal);
  expect(isRead).toBe(false);
  answers[1]?.();
  await expect.poll(() => isRead).toBe(true);
  stop.abort();
  answers[2]?.();
  await running;
});

test('A30 a reading that was asked for does not wait until something was sent: whoever sends waits for it', async () => {
  const { server, start, full, evidence, change } = await begin();
  const sync = start();
  const stop = new AbortController();
  const running = sync.run(stop.signal);
  await sync.caughtUp;
  await full();
  server.say(said('e', 'approve gated'));
  server.manners.limit = 1;
  await pause(100, signal);
  for (let index = 0; index < 3; index += 1) server.say(said(`e${index}`, 'approve gated'));
  await sync.readAnew();
  expect(evidence().at(-1)).toBe('$e2');
  server.say(said('late', 'approve gated'));
  await pause(100, signal);
  expect(evidence()).not.toContain('$late');
  await change((next) => void Object.assign(next, { outgoing: [] }));
  await expect.poll(() => evidence().at(-1)).toBe('$late');
  stop.abort();
  await running;
});
