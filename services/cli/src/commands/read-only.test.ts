import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { formatRefusal } from '@countersign/contracts/refused-file.ts';
import { StatusRow, type TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T10:00:00.000Z';
const done: TaskState = {
  status: 'done',
  since,
  reason: 'nothing to merge',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};
const acting = '\u001b]0;owned\u0007\u001b[2J\r\u202e';

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

async function rows(): Promise<StatusRow[]> {
  const { code, stdout } = await home.type(['status', '--json']);
  expect(code).toBe(0);
  return z.array(StatusRow).parse(JSON.parse(stdout));
}

describe('status', () => {
  test('with nothing yet, and with no runner', async () => {
    expect(await rows()).toEqual([]);
    expect((await home.type(['status'])).stdout).toBe('no tasks yet\n');
  });

  test('tells every task and file once; what a person must decide comes first, what has ended last', async () => {
    await home.runnerIsAlive();
    await home.addTask('ended', done);
    await home.addTask('queue', { status: 'queued', wait: null, since, reason: 'waits for its turn' });
    await home.addPending('gated', 'plan');
    await writeFile(join(home.path, 'inbox/queue.md'), 'workspace: demo');
    await writeFile(join(home.path, 'inbox/new.md'), 'workspace: demo');
    await writeFile(join(home.path, 'inbox/.hidden.md'), '');
    await writeFile(join(home.path, 'inbox/half.md.part'), '');
    await writeFile(join(home.path, 'outbox/invalid/bad.md'), 'x: 1');
    await writeFile(
      join(home.path, 'outbox/invalid/bad.md.error.txt'),
      formatRefusal({ task: 'wrong', file: 'bad.md', problems: [{ line: 1, message: 'unknown key "x"' }] }),
    );
    const found = await rows();
    expect(found.map(({ task, file, state }) => [task, file, state])).toEqual([
      ['gated', 'gated.md', 'pending'],
      [null, 'new.md', 'queued'],
      ['queue', 'queue.md', 'queued'],
      ['wrong', 'bad.md', 'invalid'],
      ['ended', 'ended.md', 'done'],
    ]);
    expect(found[3]?.reason).toBe('line 1: unknown key "x"');
    expect(found[4]).toEqual({
      task: 'ended',
      file: 'ended.md',
      run: 'RUN-20261120-001',
      workspace: 'demo',
      stage: 'staging',
      state: 'done',
      reason: 'nothing to merge',
      wait: null,
      since,
    });
  });

  test('says of what waits that the runner is not running, and not of what has ended', async () => {
    await home.runnerIsAlive();
    await home.addTask('ended', done);
    await home.addTask('queue', { status: 'queued', wait: null, since, reason: 'waits for its turn' });
    expect((await rows())[0]?.reason).toBe('waits for its turn');
    const health = join(home.path, 'logs/runner/health.json');
    const report = JSON.parse(await readFile(health, 'utf8'));
    await writeFile(health, JSON.stringify({ ...report, ts: '2026-01-01T00:00:00.000Z' }));
    const [waiting, ended] = await rows();
    expect(waiting?.reason).toBe('the runner is not running (last seen 2026-01-01T00:00:00.000Z); waits for its turn');
    expect(ended?.reason).toBe('nothing to merge');
  });

  test('a task that the runner refused later has one row, its record’s', async () => {
    await home.addTask('twice', { status: 'invalid', since, reason: 'its file changed' });
    await writeFile(
      join(home.path, 'outbox/invalid/twice.md.error.txt'),
      formatRefusal({ task: 'twice', file: 'twice.md', problems: [{ line: 1, message: 'x' }] }),
    );
    expect((await rows()).map(({ reason }) => reason)).toEqual(['its file changed']);
  });

  test('a record that cannot be read is named, and hides no other', async () => {
    await home.addTask('ended', done);
    const { folder } = await home.addPending('broke', 'plan');
    await writeFile(join(folder, 'task.json'), '{');
    const { code, stdout, stderr } = await home.type(['status', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
    expect(stderr).toContain('runs/RUN-20261120-001/tasks/broke/task.json cannot be read');
  });

  test('names that would act on a terminal are shown inert and cut', async () => {
    await writeFile(join(home.path, `inbox/${acting.replace('\r', '')}\n${'x'.repeat(150)}.md`), '');
    await home.addTask('ended', { ...done, reason: acting });
    const { stdout } = await home.type(['status']);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(300);
    const json = (await home.type(['status', '--json'])).stdout;
    expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.stringify(JSON.parse(json))).toContain(JSON.stringify(acting).slice(1, -1));
  });

  test('F32 a synchroniser’s conflict copy is told, as one that is never run', async () => {
    await home.runnerIsAlive();
    await writeFile(join(home.path, 'inbox/x.sync-conflict-20261120-101010-ABCDEFG.md'), 'workspace: demo');
    expect(await rows()).toMatchObject([
      { task: null, state: 'ignored', reason: expect.stringContaining('never run') },
    ]);
  });

  test('changes nothing', async () => {
    await home.addPending('gated', 'plan');
    await utimes(join(home.path, 'inbox'), 1, 1);
    const before = (await readdir(home.path, { recursive: true })).sort();
    for (const words of [['status'], ['pending'], ['show', 'gated']]) await home.type(words);
    expect((await readdir(home.path, { recursive: true })).sort()).toEqual(before);
  });
});

test('pending lists what waits for a person and nothing else', async () => {
  expect((await home.type(['pending'])).stdout).toBe('nothing waits for you\n');
  await home.addPending('gated', 'plan');
  await home.addTask('ended', done);
  await home.addReview({ record: { id: 'views' } });
  const { stdout } = await home.type(['pending']);
  expect(stdout).toMatch(/gated +your approval +- /);
  expect(stdout).toMatch(/views +your review +unverified /);
  expect(stdout).not.toContain('ended');
  expect(JSON.parse((await home.type(['pending', '--json'])).stdout).map(({ task }: StatusRow) => task)).toEqual([
    'gated',
    'views',
  ]);
});

describe('show', () => {
  const plan = `1. Do it\ndigest ${'0'.repeat(64)}\r\n${acting}\n| looks marked\n`;

  test('facts come first, then the model’s words marked line by line, then the digest', async () => {
    const { digest } = await home.addPending('gated', plan, { file: 'x.md' });
    const { code, stdout } = await home.type(['show', 'x.md']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    const facts = lines.slice(0, lines.indexOf(''));
    for (const fact of [
      'gated',
      'x.md',
      'staging',
      'b'.repeat(40),
      'rehearsal stand-in',
      'profile default',
      '60 s',
      '2026-11-23T10:00:00.000Z',
    ])
      expect(facts.join('\n')).toContain(fact);
    const marked = lines.filter((line) => line.startsWith('|'));
    expect(marked).toHaveLength(4);
    expect(marked[0]).toBe('| 1. Do it');
    expect(lines.filter((line) => line.startsWith('digest '))).toEqual([`digest ${digest}`]);
    expect(lines).toContain(`short  ${digest.slice(0, 8)}`);
    expect(lines.indexOf(`digest ${digest}`)).toBeGreaterThan(lines.lastIndexOf(marked[3] ?? ''));
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('as JSON it holds the bundle, the plan and the digest', async () => {
    const { digest } = await home.addPending('gated', plan);
    const shown = JSON.parse((await home.type(['show', 'gated', '--json'])).stdout);
    expect(shown).toMatchObject({ digest, plan, bundle: { task: 'gated' }, record: { id: 'gated' } });
  });

  test.each([
    ['a plan', 'attempts/1/plan.md', '1. Do something else'],
    ['a bundle', 'bundle.json', null],
    ['a bundle that is none', 'bundle.json', '{}'],
    ['a plan of 10 MB', 'attempts/1/plan.md', 'x'.repeat(10_000_000)],
  ])('%s that was changed is not shown, and not approved', async (_name, file, content) => {
    const { folder } = await home.addPending('gated', plan);
    const path = join(folder, file);
    await writeFile(path, content ?? (await readFile(path, 'utf8')).replace('"timeout_sec":60', '"timeout_sec":61'));
    for (const words of [
      ['show', 'gated'],
      ['show', 'gated', '--json'],
      ['approve', 'gated', '--no-wait'],
    ]) {
      const { code, stdout, stderr } = await home.type(words);
      expect(code).toBe(1);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/DO NOT APPROVE|more than the/);
    }
    expect(await home.spooled()).toEqual([]);
  });

  test('of an ended task it says what came of it and where its files are', async () => {
    const result = {
      repositories: [
        {
          name: 'demo',
          branch: 'main',
          base_head: 'b'.repeat(40),
          head: 'c'.repeat(40),
          ref: 'refs/agentic/r/t',
          files: 2,
          insertions: 3,
          deletions: 1,
          flags: [],
        },
      ],
      attempt: 1,
      digest: 'a'.repeat(64),
      verification: { status: 'unverified' as const },
    };
    await home.addTask('ended', { ...done, result });
    const { code, stdout } = await home.type(['show', 'ended']);
    expect(code).toBe(0);
    expect(stdout).toContain('outbox/done/ended.md');
    expect(stdout).toContain('2 files, +3 -1');
    expect(stdout).toContain('refs/agentic/r/t');
    expect(stdout).toContain('runs/RUN-20261120-001/tasks/ended/attempts/1');
    expect(stdout).toContain('the saved diff cannot be shown: ');
    expect(stdout).not.toContain('DO NOT MERGE');
  });

  test('of a refused file it says why', async () => {
    await writeFile(join(home.path, 'outbox/invalid/bad.md'), 'x');
    const text = formatRefusal({ task: 'wrong', file: 'bad.md', problems: [{ line: 1, message: 'unknown key "x"' }] });
    await writeFile(join(home.path, 'outbox/invalid/bad.md.error.txt'), text);
    for (const name of ['bad.md', 'wrong']) expect((await home.type(['show', name])).stdout).toBe(text);
  });
});
