import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { ExclusiveLock } from './exclusive-lock.ts';
import type { LockRequest } from './testing/lock-process.ts';

// Processes are started, and other tests use the processors, too.
vi.setConfig({ testTimeout: 120_000 });
const rounds = process.env['COUNTERSIGN_TEST_ALL'] === 'yes' ? 1_000 : 100;
const program = new URL('./testing/lock-process.ts', import.meta.url);

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-lock-'));
  path = join(folder, '.runner.lock');
});
afterEach(() => rm(folder, { recursive: true }));

class LockProcess {
  readonly child: ChildProcess = fork(program, { execArgv: [] });

  static async start(): Promise<LockProcess> {
    const started = new LockProcess();
    onTestFinished(() => void started.child.kill('SIGKILL'));
    await once(started.child, 'message');
    return started;
  }

  async ask(request: LockRequest): Promise<string> {
    const answer = once(this.child, 'message');
    this.child.send(request);
    return String((await answer)[0]);
  }

  async die(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

const take = (waitMs = 0): LockRequest => ({ kind: 'take', path, waitMs });

test('F11 the second is refused, and told who holds it', async () => {
  const first = await LockProcess.start();
  expect(await first.ask(take())).toBe('taken');
  const attempt = await ExclusiveLock.take(path, 50);
  expect(attempt).toEqual({
    ok: false,
    holder: { host: hostname(), pid: first.child.pid, started_at: expect.stringMatching(/Z$/) },
  });
  expect((await readdir(folder)).sort()).toEqual(['.runner.lock', '.runner.lock.json']);
});

test('F11 what a dead process held is taken at once, and nothing of it is left', async () => {
  const first = await LockProcess.start();
  expect(await first.ask(take())).toBe('taken');
  await first.die();
  const attempt = await ExclusiveLock.take(path, 0);
  if (!attempt.ok) throw new Error('it is still held');
  expect(JSON.parse(await readFile(`${path}.json`, 'utf8')).pid).toBe(process.pid);
  await attempt.lock[Symbol.asyncDispose]();
  expect(await readdir(folder)).toEqual(['.runner.lock']);
});

test('F11 whoever waits has it when the one before lets go', async () => {
  const [first, second] = await Promise.all([LockProcess.start(), LockProcess.start()]);
  await first.ask(take());
  const waiting = second.ask(take(60_000));
  await first.ask({ kind: 'release' });
  expect(await waiting).toBe('taken');
});

test('F07 a process that stands still does not lose it', async () => {
  const [first, second] = await Promise.all([LockProcess.start(), LockProcess.start()]);
  await first.ask(take());
  const stalled = first.ask({ kind: 'stall', milliseconds: 500 });
  expect(await second.ask(take())).toBe(`held by ${first.child.pid}`);
  expect(await stalled).toBe('stalled');
  expect(await second.ask(take())).toBe(`held by ${first.child.pid}`);
});

test(`F11 of four processes exactly one has it, in each of ${rounds} races`, async () => {
  const racers = await Promise.all(Array.from({ length: 4 }, () => LockProcess.start()));
  const winners: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const answers = await Promise.all(racers.map((racer) => racer.ask(take(60))));
    winners.push(answers.filter((answer) => answer === 'taken').length);
    await Promise.all(racers.map((racer) => racer.ask({ kind: 'release' })));
  }
  expect(winners).toEqual(Array.from({ length: rounds }, () => 1));
});

test('a file that is put in its place is noticed', async () => {
  const attempt = await ExclusiveLock.take(path, 0);
  if (!attempt.ok) throw new Error('it is held');
  await using lock = attempt.lock;
  expect(await lock.isInPlace()).toBe(true);
  await rm(path);
  expect(await lock.isInPlace()).toBe(false);
  await writeFile(path, '');
  expect(await lock.isInPlace()).toBe(false);
});

test('F21 who cannot say that it holds it holds it all the same', async () => {
  await mkdir(`${path}.json/x`, { recursive: true });
  const attempt = await ExclusiveLock.take(path, 0);
  if (!attempt.ok) throw new Error('it is held');
  await using _lock = attempt.lock;
  expect(await (await LockProcess.start()).ask(take())).toBe('held by nobody known');
});

test('something else in its place is not written over', async () => {
  const text = 'my notes '.repeat(200);
  await writeFile(path, text);
  await expect(ExclusiveLock.take(path, 0)).rejects.toThrow('is not a lock of ours');
  expect(await readFile(path, 'utf8')).toBe(text);
});
