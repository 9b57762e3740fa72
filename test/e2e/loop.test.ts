import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

const trigger = (stage: string, more = '') => `workspace: mini-control-plane\naction: run\nstage: ${stage}\n${more}`;

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('loop');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function gitIn(workspace: string, ...args: string[]): Promise<string> {
  const folder = join(stack.home, 'workspaces', workspace);
  const { stdout } = await execa('git', ['-c', `safe.directory=${folder}`, '-C', folder, ...args]);
  return stdout;
}

describe('a dev task', () => {
  test('runs by itself and leaves result, diff, logs, summary and events', async () => {
    const before = await gitIn('mini-control-plane', 'status', '--porcelain=v2', '--branch');
    await stack.drop('first.md', trigger('dev'));
    const record = await stack.reaches('first.md', ['review']);

    const repository = record.state.result.repositories[0];
    expect(await gitIn('mini-control-plane', 'rev-parse', `refs/agentic/${record.run}/${record.id}`)).toBe(
      repository?.head,
    );
    expect(await gitIn('mini-control-plane', 'show', '--stat', '--format=', repository?.head ?? '')).toContain(
      'hello.txt',
    );
    expect(await gitIn('mini-control-plane', 'status', '--porcelain=v2', '--branch')).toBe(before);

    const attempt = stack.attemptFolder(record);
    expect(await readFile(join(attempt, 'diffs', 'mini-control-plane.patch'), 'utf8')).toContain('+++ b/hello.txt');
    expect(await readFile(join(attempt, 'agent-summary.md'), 'utf8')).toContain('no language model');
    expect((await readFile(join(attempt, 'stdout.log'), 'utf8')).length).toBeGreaterThan(0);
    expect(await readdir(join(stack.home, 'inbox', 'pending'))).toContain('first.md');

    const events = (await stack.events(record.run)).filter((event) => event.task_id === record.id);
    expect(events.map((event) => event.event)).toEqual(
      expect.arrayContaining(['task_accepted', 'task_started', 'result_imported', 'review_requested']),
    );
    expect(events.find((event) => event.event === 'task_started')?.summary).toContain('no language model');
    const completion = events.find((event) => event.event === 'review_requested');
    expect(completion).toMatchObject({
      exit_code: 0,
      duration_ms: expect.any(Number),
      tokens: { requests: expect.any(Number) },
    });
  });

  test('without a change ends in outbox/done', async () => {
    await stack.drop('look.md', `${trigger('dev')}\nrun git status`);
    const record = await stack.reaches('look.md', ['done']);
    expect(record.state.result).toBeNull();
    expect(await readdir(join(stack.home, 'outbox', 'done'))).toContain('look.md');
  });

  test('plans only, when that is the action', async () => {
    await stack.drop('think.md', 'workspace: mini-control-plane\naction: plan\nstage: dev\n');
    const record = await stack.reaches('think.md', ['done']);
    expect(await readFile(join(stack.attemptFolder(record), 'plan.md'), 'utf8')).toContain('hello.txt');
  });
});

describe('a staging task', () => {
  test.each([
    ['staging.md', trigger('staging')],
    ['asked.md', trigger('dev', 'approval_required: true\n')],
  ])('%s waits, shows what an approval binds, and runs with the approved plan', async (file, content) => {
    await stack.drop(file, content);
    const waiting = await stack.reaches(file, ['pending']);
    expect(await readdir(join(stack.home, 'inbox', 'pending'))).toContain(file);

    const shown = await stack.countersign('show', file);
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toContain(waiting.bases?.[0]?.head ?? 'no base');
    expect(shown.stdout).toContain(waiting.state.digest.slice(0, 8));
    expect(shown.stdout.indexOf(waiting.bases?.[0]?.head ?? '')).toBeLessThan(shown.stdout.indexOf('hello.txt'));

    const approved = await stack.countersign('approve', file);
    expect(approved).toMatchObject({ exitCode: 0 });
    const done = await stack.reaches(file, ['review']);
    const plan = await readFile(join(stack.attemptFolder(done), 'plan.md'), 'utf8');
    expect(plan).toContain('hello.txt');
    const started = (await stack.events(done.run)).find(
      (event) => event.event === 'task_started' && event.task_id === done.id,
    );
    expect(JSON.stringify(started?.data)).toContain(waiting.state.digest);
  });

  test('prod is approved from the shell', async () => {
    await stack.drop('prod.md', trigger('prod'));
    await stack.reaches('prod.md', ['pending']);
    expect(await stack.script('approve.sh', ['prod.md'])).toMatchObject({ exitCode: 0 });
    await stack.reaches('prod.md', ['review']);
  });

  test('runs from the pinned base when the branch has moved', async () => {
    const folder = await stack.workspace('moving');
    await stack.drop('pinned.md', 'workspace: moving\nstage: staging\n\ncreate a.txt with one');
    const waiting = await stack.reaches('pinned.md', ['pending']);
    await writeFile(join(folder, 'later.txt'), 'later\n');
    await execa('git', ['-c', `safe.directory=${folder}`, '-C', folder, 'add', '-A']);
    await execa('git', [
      '-c',
      `safe.directory=${folder}`,
      '-c',
      'user.name=O',
      '-c',
      'user.email=o@example.invalid',
      '-C',
      folder,
      'commit',
      '-qm',
      'later',
    ]);
    await stack.own(folder);
    await stack.countersign('approve', waiting.id);
    const done = await stack.reaches('pinned.md', ['review']);
    expect(await gitIn('moving', 'rev-parse', `${done.state.result.repositories[0]?.head}~1`)).toBe(
      waiting.bases?.[0]?.head,
    );
  });

  test('that is rejected lies in outbox/rejected with the reason in its events', async () => {
    await stack.drop('no.md', trigger('staging'));
    const waiting = await stack.reaches('no.md', ['pending']);
    expect(await stack.script('reject.sh', ['no.md', 'not', 'now'])).toMatchObject({ exitCode: 0 });
    const ended = await stack.reaches('no.md', ['rejected']);
    expect(ended.state.reason).toContain('not now');
    expect(await readdir(join(stack.home, 'outbox', 'rejected'))).toContain('no.md');
    expect(
      (await stack.events(ended.run)).some((event) => event.event === 'task_started' && event.task_id === waiting.id),
    ).toBe(false);
  });

  test('A07 whose file was changed after it was shown cannot be approved with the old digest', async () => {
    await stack.drop('changed.md', `${trigger('staging')}\ncreate a.txt with one`);
    const first = await stack.reaches('changed.md', ['pending']);
    await writeFile(join(stack.home, 'inbox', 'pending', 'changed.md'), `${trigger('staging')}\ncreate a.txt with two`);
    await expect
      .poll(async () => (await stack.task('changed.md'))?.state, { timeout: 60_000 })
      .toMatchObject({ status: 'pending', digest: expect.not.stringMatching(first.state.digest) });
    const old = await stack.countersign('approve', 'changed.md', '--digest', first.state.digest);
    expect(old.exitCode).not.toBe(0);
    expect((await stack.task('changed.md'))?.state.status).toBe('pending');
    expect(await stack.countersign('reject', 'changed.md')).toMatchObject({ exitCode: 0 });
  });

  test('whose file is removed while it waits is cancelled and its saved copy kept', async () => {
    await stack.drop('gone.md', trigger('staging', 'title: to be removed\n'));
    await stack.reaches('gone.md', ['pending']);
    await rm(join(stack.home, 'inbox', 'pending', 'gone.md'));
    await stack.reaches('gone.md', ['cancelled']);
    expect(await readFile(join(stack.home, 'outbox', 'cancelled', 'gone.md'), 'utf8')).toContain('to be removed');
  });
});

describe('the shell', () => {
  test('submits, lists what waits and says what a refused command was refused for', async () => {
    const file = join(stack.home, 'from-shell.md');
    await writeFile(file, trigger('staging'));
    expect(await stack.countersign('submit', file)).toMatchObject({ exitCode: 0 });
    const waiting = await stack.reaches('from-shell.md', ['pending']);
    expect((await stack.script('pending.sh', [])).stdout).toContain(waiting.id);
    const refused = await stack.countersign('approve', 'nothing-like-that.md');
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stdout + refused.stderr).toContain('nothing-like-that.md');
    expect(await stack.countersign('reject', waiting.id, 'enough')).toMatchObject({ exitCode: 0 });
    expect(await stack.script('send_matrix.sh', ['hello'])).toMatchObject({ exitCode: 0 });
  });

  test('shows every task, ended ones too', async () => {
    const rows = await stack.status();
    const states = new Map(rows.map((row) => [row.file, row.state]));
    expect(states.get('first.md')).toBe('review');
    expect(states.get('look.md')).toBe('done');
    expect(states.get('gone.md')).toBe('cancelled');
    expect((await stack.script('status.sh', [])).stdout).toContain('first.md');
  });
});

describe('several workspaces', () => {
  test('work at once, and tasks of one workspace one after the other', async () => {
    await stack.workspace('alpha');
    await stack.workspace('beta');
    const objective = 'rehearsal: pause 2s\n\ncreate a.txt with one';
    await stack.drop('alpha-1.md', `workspace: alpha\nstage: dev\n\n${objective}`);
    await stack.drop('alpha-2.md', `workspace: alpha\nstage: dev\n\n${objective}`);
    await stack.drop('beta-1.md', `workspace: beta\nstage: dev\n\n${objective}`);
    const [first, second, other] = await Promise.all(
      ['alpha-1.md', 'alpha-2.md', 'beta-1.md'].map((file) => stack.reaches(file, ['review'], 120_000)),
    );
    const times = async (record: typeof first) => {
      const events = (await stack.events(record?.run ?? null)).filter((event) => event.task_id === record?.id);
      const at = (name: string) => Date.parse(events.find((event) => event.event === name)?.ts ?? '');
      return { started: at('task_started'), ended: at('review_requested') };
    };
    const [a1, a2, b1] = [await times(first), await times(second), await times(other)];
    const earlier = a1.started < a2.started ? a1 : a2;
    const later = a1.started < a2.started ? a2 : a1;
    expect(b1.started).toBeLessThan(earlier.ended);
    expect(later.started).toBeGreaterThanOrEqual(earlier.ended);
  });
});
