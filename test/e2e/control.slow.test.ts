import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { QueueState } from '@countersign/contracts/queue-state.ts';
import type { StatusRow } from '@countersign/contracts/task-record.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

const run = promisify(execFile);
let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('control', async (configs) => {
    const path = join(configs, 'agent.env');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/^BREAKER_WAIT_SEC=.*$/m, 'BREAKER_WAIT_SEC=60'));
  });
  for (const name of ['project', 'fragile']) await stack.workspace(name);
});
afterAll(() => stack[Symbol.asyncDispose]());

async function must(...words: string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await stack.countersign(...words);
  expect({ words, exitCode, said: exitCode === 0 ? '' : stdout + stderr }).toEqual({ words, exitCode: 0, said: '' });
}

async function rowOf(file: string): Promise<StatusRow | undefined> {
  return (await stack.status()).find((row) => row.file === file);
}

async function eventsOf(file: string): Promise<string[]> {
  const record = await stack.task(file);
  return (await stack.events(record?.run ?? null)).filter((one) => one.task_id === record?.id).map((one) => one.event);
}

async function queueState(): Promise<QueueState> {
  return QueueState.parse(JSON.parse(await readFile(join(stack.home, 'runs', 'queue.json'), 'utf8')));
}

async function killRunner(): Promise<void> {
  process.kill(await stack.processOf('runner'), 'SIGKILL');
}

const waitsFor = (file: string, kind: string) =>
  expect.poll(async () => (await rowOf(file))?.wait?.kind, { timeout: 30_000, interval: 500 }).toBe(kind);

describe('a paused queue', () => {
  test('begins nothing, says so, and is still paused when the runner was killed', async () => {
    await must('pause', 'new', 'disk');
    await stack.drop('later.md', 'workspace: project\nstage: dev\n\ncreate later.txt with one');
    await waitsFor('later.md', 'paused');
    await killRunner();
    await stack.drop('even-later.md', 'workspace: project\nstage: dev\n\ncreate even-later.txt with one');
    await waitsFor('even-later.md', 'paused');
    expect(await rowOf('later.md')).toMatchObject({ state: 'queued', reason: expect.stringContaining('new disk') });
    expect(await queueState()).toMatchObject({ paused: { reason: 'new disk' }, breakers: [] });
    expect(await eventsOf('later.md')).not.toContain('task_started');
  });

  test('goes on when somebody resumes it', async () => {
    await must('resume');
    await stack.reaches('later.md', ['review']);
    await stack.reaches('even-later.md', ['review']);
    expect(await queueState()).toMatchObject({ paused: null });
  });
});

describe('a task that depends on another', () => {
  test('waits for it by name, and begins when that one is done', async () => {
    await stack.drop('second.md', 'workspace: fragile\nid: second\ndepends_on: [first]\n\nrun true');
    await waitsFor('second.md', 'dependency');
    expect((await rowOf('second.md'))?.reason).toContain('first, which nobody has dropped yet');
    await stack.drop('first.md', 'workspace: project\nid: first\n\n1. run sleep 3\n2. run true');
    await stack.reaches('first.md', ['done']);
    await stack.reaches('second.md', ['done']);
    const started = async (file: string) => {
      const record = await stack.task(file);
      const events = await stack.events(record?.run ?? null);
      return events.find((one) => one.task_id === record?.id && one.event === 'task_started')?.ts ?? '';
    };
    expect((await started('second.md')) > (await started('first.md'))).toBe(true);
  });
});

describe('another attempt', () => {
  test('begins where the branch is now and stands beside the first one, whose diff, handoff and ref stay', async () => {
    await stack.drop(
      'again.md',
      'workspace: project\nstage: dev\npostconditions: ["test -f ready.txt"]\n\ncreate again.txt with one',
    );
    const failed = await stack.reaches('again.md', ['failed']);
    const project = join(stack.home, 'workspaces', 'project');
    const git = (...words: string[]) => run('git', ['-c', 'safe.directory=*', '-C', project, ...words]);
    await writeFile(join(project, 'ready.txt'), 'now');
    await git('add', '-A');
    await git('-c', 'user.name=Operator', '-c', 'user.email=operator@example.invalid', 'commit', '-qm', 'ready');
    await stack.own(project);
    await must('retry', failed.id);
    const done = await stack.reaches('again.md', ['review']);

    expect(done).toMatchObject({ id: failed.id, attempts: 2, retries: 1, state: { result: { attempt: 2 } } });
    expect(await readdir(join(stack.taskFolder(done), 'attempts'))).toEqual(['1', '2']);
    for (const attempt of ['1', '2'])
      expect(await readdir(join(stack.taskFolder(done), 'attempts', attempt))).toEqual(
        expect.arrayContaining(['diffs', 'handoff.yaml', 'stdout.log']),
      );
    const { stdout } = await git('for-each-ref', '--format=%(refname)', `refs/agentic/${done.run}`);
    expect(
      stdout
        .trim()
        .split('\n')
        .filter((ref) => ref.includes(done.id)),
    ).toEqual([`refs/agentic/${done.run}/${done.id}`, `refs/agentic/${done.run}/${done.id}@2`]);
    await must('merge', done.id);
    await stack.reaches('again.md', ['done']);
  });
});

describe('a breaker', () => {
  const broken = 'workspace: fragile\nstage: dev\npostconditions: ["test -f never.txt"]\n\ncreate x.txt with one';

  test('opens after three failures of one kind; the next task waits, also when the runner was killed; others go on', async () => {
    for (const number of [1, 2, 3]) {
      await stack.drop(`broken-${number}.md`, broken);
      await stack.reaches(`broken-${number}.md`, ['failed']);
    }
    await stack.drop('held.md', 'workspace: fragile\nstage: dev\n\ncreate held.txt with one');
    await waitsFor('held.md', 'breaker');
    expect((await rowOf('held.md'))?.reason).toMatch(/failed 3 times in a row in fragile \(postcondition_failed\)/);
    await killRunner();
    await stack.drop('other.md', 'workspace: project\nstage: dev\n\ncreate other.txt with one');
    await stack.reaches('other.md', ['review']);
    expect((await stack.task('held.md'))?.state.status).toBe('queued');
    expect((await queueState()).breakers).toMatchObject([{ workspace: 'fragile', tool: 'agent', failures: 3 }]);
  });

  test('lets one task try after its wait, and closes when that gets through', async () => {
    await stack.reaches('held.md', ['review'], 120_000);
    await expect.poll(async () => (await queueState()).breakers, { timeout: 10_000 }).toEqual([]);
    const path = join(stack.home, 'runs', 'telemetry.jsonl');
    const told = (await readFile(path, 'utf8'))
      .split('\n')
      .flatMap((line) => /"event":"(breaker_\w+)"/.exec(line)?.[1] ?? []);
    expect(told).toEqual(['breaker_opened', 'breaker_probing', 'breaker_closed']);
  });
});
