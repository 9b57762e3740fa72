import { fork } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { EventBody } from '@countersign/contracts/event.ts';
import { homeFormat } from '@countersign/contracts/home.ts';
import { StartError } from '@countersign/kit/start-error.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { eventsOf, makeHome, makeSentinel } from '../testing/home.ts';
import { HomeGuard } from './home-guard.ts';
import type { Layout } from './layout.ts';
import { RunStore } from './run-store.ts';

// A process is started, and other tests use the processors, too.
vi.setConfig({ testTimeout: 60_000 });
const stays = new AbortController().signal;
const event: EventBody = { phase: 'service', agent_role: 'runner', event: 'message', summary: 'x' };

async function enter(layout: Layout, leave = stays): Promise<HomeGuard> {
  const guard = await HomeGuard.enter(layout, 0, leave);
  onTestFinished(() => guard[Symbol.asyncDispose]());
  return guard;
}

const refusals: [string, (layout: Layout) => void, string][] = [
  ['missing', ({ sentinel }) => rmSync(sentinel), 'is mounted in place of'],
  ['damaged', ({ sentinel }) => writeFileSync(sentinel, '{"version":2,'), 'Restore it from a backup'],
  ['empty', ({ sentinel }) => writeFileSync(sentinel, ''), 'Restore it from a backup'],
  ['of something else', ({ sentinel }) => writeFileSync(sentinel, '[]'), 'Restore it from a backup'],
  [
    'of a newer version',
    ({ sentinel }) => writeFileSync(sentinel, JSON.stringify({ ...makeSentinel(), version: homeFormat + 1 })),
    'a newer one has worked here',
  ],
  [
    'of an older version',
    ({ sentinel }) => writeFileSync(sentinel, JSON.stringify({ ...makeSentinel(), version: 1 })),
    'scripts/up brings it up to date',
  ],
  [
    'a link',
    ({ sentinel, runs }) => {
      renameSync(sentinel, `${runs}/x`);
      symlinkSync(`${runs}/x`, sentinel);
    },
    'Restore it',
  ],
];

test.each(refusals)(
  'F26 a sentinel that is %s: refused with what to do, and nothing is written',
  async (_, spoil, words) => {
    const { layout } = makeHome();
    spoil(layout);
    const before = readdirSync(layout.home, { recursive: true });
    const error = await HomeGuard.enter(layout, 0, stays).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartError);
    expect(String(error)).toContain(words);
    expect(String(error)).toContain(layout.home);
    expect(readdirSync(layout.home, { recursive: true })).toEqual(before);
  },
);

test('F26 a home of another user is refused', async () => {
  const { layout } = makeHome();
  writeFileSync(layout.sentinel, JSON.stringify(makeSentinel({ uid: 501 })));
  await expect(HomeGuard.enter(layout, 1_000, stays)).rejects.toThrow('belongs to user 501, and this runner is 1000');
  await (await HomeGuard.enter(layout, 501, stays))[Symbol.asyncDispose]();
});

test('A27 F11 a second runner ends with words that name the first, and touches nothing, its health neither', async () => {
  const { layout } = makeHome();
  await enter(layout);
  mkdirSync(layout.logs, { recursive: true });
  writeFileSync(`${layout.logs}/health.json`, 'of the first');
  const before = readdirSync(layout.home, { recursive: true });
  const second = fork(new URL('../main.ts', import.meta.url), {
    execArgv: [],
    env: { PATH: process.env['PATH'], RUNNER_HOME: layout.home },
    silent: true,
  });
  onTestFinished(() => void second.kill('SIGKILL'));
  let said = '';
  second.stderr?.on('data', (text) => (said += String(text)));
  const [code] = await once(second, 'close');
  expect(code).toBe(1);
  expect(said).toContain(`Another runner works on ${layout.home}: process ${process.pid} on `);
  expect(said).toContain('scripts/down');
  expect(readFileSync(`${layout.logs}/health.json`, 'utf8')).toBe('of the first');
  expect(readdirSync(layout.home, { recursive: true })).toEqual(before);
});

test('F43 a home that is moved away is noticed, and so is that it is back', async () => {
  const { layout } = makeHome();
  const guard = await enter(layout);
  expect(await guard.trouble()).toBeNull();
  renameSync(layout.home, `${layout.home}.away`);
  expect(await guard.trouble()).toContain('is mounted in place of');
  mkdirSync(layout.home);
  expect(await guard.trouble()).toContain('is mounted in place of');
  rmSync(layout.home, { recursive: true });
  renameSync(`${layout.home}.away`, layout.home);
  expect(await guard.trouble()).toBeNull();
});

test('F43 another home in its place is noticed; the same sentinel written anew is not taken for one', async () => {
  const { layout } = makeHome();
  const guard = await enter(layout);
  const own = JSON.parse(readFileSync(layout.sentinel, 'utf8'));
  writeFileSync(`${layout.sentinel}.new`, JSON.stringify({ ...own, workspaces: ['example'] }));
  renameSync(`${layout.sentinel}.new`, layout.sentinel);
  expect(await guard.trouble()).toBeNull();
  writeFileSync(layout.sentinel, JSON.stringify(makeSentinel()));
  expect(await guard.trouble()).toContain('is another home than the one');
});

test('a lock that is removed under the runner is noticed', async () => {
  const { layout } = makeHome();
  const guard = await enter(layout);
  rmSync(layout.lock);
  expect(await guard.trouble()).toContain('was removed under this runner');
});

test('F43 what is to be written down waits until the home is back, and is then written in it', async () => {
  const { layout } = makeHome();
  const guard = await enter(layout);
  await using runs = await RunStore.open(layout, { ready: () => guard.ready() });
  const journal = await runs.heads.journal('service', layout.ownJournal);
  renameSync(layout.home, `${layout.home}.away`);
  mkdirSync(layout.home);
  let done = false;
  const appended = journal.append(event).then(() => (done = true));
  while ((await guard.trouble()) === null) await new Promise((resolve) => setImmediate(resolve));
  expect([done, readdirSync(layout.home)]).toEqual([false, []]);
  rmSync(layout.home, { recursive: true });
  renameSync(`${layout.home}.away`, layout.home);
  await appended;
  await journal.close();
  expect(eventsOf(layout.ownJournal)).toHaveLength(1);
});

test('F43 a runner that is stopped meanwhile does not wait for it', async () => {
  const { layout } = makeHome();
  const leaving = new AbortController();
  const guard = await enter(layout, leaving.signal);
  const runs = await RunStore.open(layout, { ready: () => guard.ready() });
  const journal = await runs.heads.journal('service', layout.ownJournal);
  renameSync(layout.home, `${layout.home}.away`);
  const appended = journal.append(event);
  leaving.abort();
  await expect(appended).rejects.toThrow('is mounted in place of');
  await journal.close();
  await runs[Symbol.asyncDispose]();
  expect(existsSync(layout.home)).toBe(false);
});
