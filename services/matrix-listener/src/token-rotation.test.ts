import { setTimeout as sleep } from 'node:timers/promises';
import { readHealth } from '@countersign/kit/health.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from './limits.ts';
import { json } from './testing/door.ts';
import { postOf } from './testing/room-door.ts';
import { said } from './testing/room-events.ts';
import { beginListener, firstToken } from './testing/running-listener.ts';

const soon = { timeout: 10_000 };
const second = 'syt_second';
const third = 'syt_third';

/** A homeserver that takes some tokens, each of a device of its own, and keeps transactions by device. */
async function begin() {
  const begun = await beginListener();
  const { home } = begun;
  const bearers: string[] = [];
  const taken = new Set([firstToken]);
  let device = firstToken;
  let lost: 'answer' | 'request' | null = null;
  const held: (() => void)[] = [];
  /** `isDeaf`: with the first token nothing is told; `syncs`: so many fail. */
  const trouble = { isDeaf: false, syncs: 0 };
  begun.interference.now = ({ method, path, headers, body }, response) => {
    const bearer = headers.authorization?.replace('Bearer ', '') ?? '';
    bearers.push(bearer);
    if (!taken.has(bearer)) {
      json(response, 401, { errcode: 'M_UNKNOWN_TOKEN', error: 'x' });
      return true;
    }
    if (bearer !== device) home.forgetTransactions();
    device = bearer;
    if (path.endsWith('/sync') && trouble.syncs > 0) {
      trouble.syncs -= 1;
      json(response, 503, { errcode: 'M_UNKNOWN', error: 'later' });
      return true;
    }
    if (path.endsWith('/sync') && trouble.isDeaf && bearer === firstToken) return true;
    if (method !== 'PUT' || lost === null) return false;
    const post = postOf(path, body);
    if (lost === 'answer' && post !== null) void home.send(post);
    held.push(() => response.destroy());
    return true;
  };
  return {
    ...begun,
    taken,
    bearers,
    trouble,
    lose: (what: typeof lost) => {
      lost = what;
    },
    held,
    report: async () => (await readHealth(begun.logs))?.report,
  };
}

const recent = (event: ReturnType<typeof said>) => ({ ...event, origin_server_ts: Date.now() });

test('A30 a token that was replaced in its file is taken up while the listener runs, and said; nothing is said or heard twice', async () => {
  const { home, start, ask, bodies, commands, taken, bearers, writeToken, report, lines } = await begin();
  start();
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  await expect.poll(async () => (await report())?.status, soon).toBe('ok');
  const before = (await report())?.access;
  home.say(recent(said('one', 'reject aa not yet')));
  await expect.poll(commands, soon).toHaveLength(1);
  taken.add(second);
  await writeToken(second);
  // Also while nothing happens in the room, and long before a sync that is held would have ended.
  await expect.poll(() => bearers.at(-1), { timeout: 3 * listenerLimits.tokenLookMs }).toBe(second);
  await expect.poll(async () => (await report())?.access, soon).not.toBe(before);
  taken.delete(firstToken);
  home.say(recent(said('two', 'approve aa')));
  await ask('bb');
  await expect.poll(commands, soon).toHaveLength(2);
  await expect.poll(bodies, soon).toHaveLength(2);
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$one', '$two']);
  expect(bearers.lastIndexOf(firstToken)).toBeLessThan(bearers.indexOf(second));
  expect((await report())?.status).toBe('ok');
  expect(JSON.stringify(lines)).not.toMatch(/syt_/);
}, 30_000);

test('A30 A32 a token that the homeserver does not take any more is said, until there is another', async () => {
  const { home, start, ask, bodies, taken, writeToken, report } = await begin();
  start();
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  taken.clear();
  home.say(recent(said('wakes the sync', 'hello')));
  await expect
    .poll(report, soon)
    .toMatchObject({ status: 'failing', reason: expect.stringContaining('scripts/countersign rotate-bot-token') });
  await ask('bb');
  taken.add(second);
  await writeToken(second);
  await expect.poll(bodies, { timeout: 20_000 }).toHaveLength(2);
  await expect.poll(async () => (await report())?.status, soon).toBe('ok');
}, 40_000);

test('A32 what is refused is found out and said within a minute, however little happens in the room', () => {
  const { syncHoldMs, syncPauseMs, beatMs } = listenerLimits;
  // A homeserver that ends a session lets the sync that it holds go on to its end.
  expect(syncHoldMs + syncPauseMs + beatMs).toBeLessThan(45_000);
});

test('A30 the file is read anew at the very refusal: a session that ends just behind its rotation is no trouble', async () => {
  const { home, start, ask, bodies, commands, taken, writeToken, lines } = await begin();
  start();
  await ask('aa');
  await expect.poll(bodies, soon).toHaveLength(1);
  taken.add(second);
  await writeToken(second);
  taken.delete(firstToken);
  home.say(recent(said('one', 'approve aa')));
  await expect.poll(commands, soon).toHaveLength(1);
  expect(lines.filter(({ text }) => text === 'the room cannot be read; it is tried again')).toEqual([]);
});

test.each([
  ['taken up by the look at its file', true],
  ['the one left because the other was ended', false],
])(
  'A30 a message that was posted without an answer is there once, with another device, when its token is %s',
  async (_, isOldTaken) => {
    const { start, ask, bodies, taken, writeToken, lose, held, bearers, trouble, home } = await begin();
    start();
    await expect.poll(() => bearers.length, soon).toBeGreaterThan(3);
    trouble.isDeaf = true;
    home.say(recent(said('wakes the sync', 'hello')));
    lose('answer');
    await ask('aa');
    await expect.poll(() => held.length, soon).toBe(1);
    expect(bodies()).toHaveLength(1);
    taken.add(second);
    if (!isOldTaken) taken.delete(firstToken);
    trouble.syncs = 2;
    await writeToken(second);
    await expect.poll(() => bearers.at(-1), soon).toBe(second);
    lose(null);
    held[0]?.();
    await ask('bb');
    await expect.poll(bodies, soon).toHaveLength(2);
    await sleep(2 * listenerLimits.retryMinimumMs);
    expect(bodies().map((body) => /\b(?:aa|bb)\.md/.exec(body)?.[0])).toEqual(['aa.md', 'bb.md']);
  },
  30_000,
);

test('A30 a message that was on its way and did not arrive is posted with the other token, once, after two rotations', async () => {
  const { start, ask, bodies, taken, writeToken, lose, held, bearers } = await begin();
  start();
  await expect.poll(() => bearers.length, soon).toBeGreaterThan(3);
  lose('request');
  await ask('aa');
  await expect.poll(() => held.length, soon).toBe(1);
  for (const next of [second, third]) {
    taken.add(next);
    await writeToken(next);
    await expect.poll(() => bearers.at(-1), soon).toBe(next);
  }
  expect(bodies()).toEqual([]);
  lose(null);
  held[0]?.();
  await expect.poll(bodies, soon).toHaveLength(1);
  await sleep(2 * listenerLimits.retryMinimumMs);
  expect(bodies()).toHaveLength(1);
}, 40_000);
