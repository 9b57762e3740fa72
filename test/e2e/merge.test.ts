import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownStateOf } from '../support/checkout-state.ts';
import { Operator } from '../support/operator.ts';
import { Stack } from '../support/stack.ts';

/** Each kills a runner at another moment. */
const rounds = process.env['COUNTERSIGN_TEST_ALL'] === 'yes' ? 8 : 2;

let stack: Stack;
let operator: Operator;

beforeAll(async () => {
  stack = await Stack.up('merge', async (configs) => {
    const path = join(configs, 'stages.yaml');
    const stages = await readFile(path, 'utf8');
    await writeFile(
      path,
      `${stages}\n  docs:\n    gate: none\n    sandbox_profile: default\n    decide:\n      - channel: shell\n    approval_hours: 72\n    merge_into: ['docs/*']\n`,
    );
  });
  operator = await Operator.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const git = (workspace: string, ...args: string[]) => operator.git(workspace, ...args);
const put = (workspace: string, path: string, content: string) => operator.put(workspace, path, content);

const header = (workspace: string, more = '') => `workspace: ${workspace}\nstage: dev\n${more}\n\n`;
const hold = 'postconditions:\n  - test -f hello.txt\n';

/** A workspace with a result that waits for its merge. */
async function reviewed(name: string, more = hold, body = '1. create hello.txt with hello from here\n') {
  await stack.workspace(name);
  const base = await git(name, 'rev-parse', 'main');
  await stack.drop(`${name}.md`, `${header(name, more)}${body}`);
  const record = await stack.reaches(`${name}.md`, ['review']);
  return { record, base, head: record.state.result.repositories[0]?.head ?? '' };
}

const merge = (id: string, ...more: string[]) => stack.countersign('merge', id, ...more);

describe('a task of three repositories', () => {
  const repositories = ['web', 'api', 'deploy'] as const;

  test('is verified on its exact result, reviewed by repository, and merged as a whole', async () => {
    const shop = join(stack.home, 'workspaces', 'shop');
    await mkdir(join(shop, '.project'), { recursive: true });
    await writeFile(
      join(shop, '.project', 'workspace.yaml'),
      `version: 1\nrepositories:\n${repositories.map((name) => `  - name: ${name}\n`).join('')}`,
    );
    for (const name of repositories) await stack.workspace(`shop/${name}`);
    await stack.own(shop);
    const before = await Promise.all(repositories.map((name) => ownStateOf(join(shop, name))));
    const conditions =
      'postconditions:\n  - grep -q here web/hello.txt\n  - test -f api/hello.txt && test ! -e deploy/hello.txt\n';
    await stack.drop(
      'shop.md',
      `${header('shop', conditions)}1. create web/hello.txt with hello from here\n2. create api/hello.txt with hello\n`,
    );
    const record = await stack.reaches('shop.md', ['review']);
    expect(record.state.result.verification).toMatchObject({
      status: 'verified',
      checks: [{ exit_code: 0 }, { exit_code: 0 }],
    });
    expect(record.state.result.repositories.map(({ name, files }) => [name, files])).toEqual([
      ['web', 1],
      ['api', 1],
    ]);
    expect(await Promise.all(repositories.map((name) => ownStateOf(join(shop, name))))).toEqual(before);

    const merged = await merge(record.id);
    expect(merged.stdout + merged.stderr).toMatch(/merged/);
    expect(merged.exitCode).toBe(0);
    const done = await stack.reaches('shop.md', ['done']);
    expect(done.state.merged).toMatchObject({ channel: 'shell', digest: record.state.result.digest });
    for (const { name, head } of record.state.result.repositories) {
      expect(await git(`shop/${name}`, 'rev-parse', 'main')).toBe(head);
      expect(await git(`shop/${name}`, 'status', '--porcelain')).toBe('');
      expect(await git(`shop/${name}`, 'fsck', '--strict')).toBe('');
      expect(await readFile(join(shop, name, 'hello.txt'), 'utf8')).toContain('hello');
    }
    expect(await ownStateOf(join(shop, 'deploy'))).toEqual(before[2]);
    const attempt = stack.attemptFolder(done);
    expect(await readFile(join(attempt, 'diffs', 'web.patch'), 'utf8')).toContain('+hello from here');
    expect(await readFile(join(attempt, 'diffs', 'api.patch'), 'utf8')).toContain('+hello');
  });

  test('moves nothing when one of them refuses', async () => {
    const shop = join(stack.home, 'workspaces', 'shop');
    await stack.drop(
      'shop2.md',
      `${header('shop', 'postconditions: ["true"]')}1. create web/two.txt with two\n2. create deploy/two.txt with two\n`,
    );
    const record = await stack.reaches('shop2.md', ['review']);
    await put('shop/deploy', 'README.md', 'half a thought');
    const before = await Promise.all(repositories.map((name) => ownStateOf(join(shop, name))));
    const refused = await merge(record.id);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(/dirty[\s\S]*deploy[\s\S]*README\.md/);
    expect(await Promise.all(repositories.map((name) => ownStateOf(join(shop, name))))).toEqual(before);
    expect((await stack.reaches('shop2.md', ['review'])).state.refusals).toMatchObject([
      { code: 'dirty', repository: 'deploy' },
    ]);
    await git('shop/deploy', 'checkout', '--', 'README.md');
    expect((await merge(record.id)).exitCode).toBe(0);
    await stack.reaches('shop2.md', ['done']);
  });
});

/** What a human does to the target before the merge, and the code that it is refused with. */
const ways: readonly [
  code: string,
  what: string,
  spoil: (name: string, head: string) => Promise<unknown>,
  said: RegExp,
][] = [
  ['dirty', 'a changed file', (name) => put(name, 'README.md', 'mine'), /README\.md/],
  [
    'dirty',
    'staged work',
    async (name) => {
      await put(name, 'new.txt', 'mine');
      await git(name, 'add', 'new.txt');
    },
    /new\.txt/,
  ],
  ['dirty', 'an untracked file in the way', (name) => put(name, 'hello.txt', 'mine'), /hello\.txt/],
  [
    'moved',
    'a commit of mine',
    async (name) => {
      await put(name, 'mine.txt', 'mine');
      await git(name, 'add', '-A');
      await git(name, 'commit', '-qm', 'mine');
    },
    /rebase/,
  ],
  [
    'checked-out-elsewhere',
    'another work tree',
    async (name) => {
      await git(name, 'checkout', '-q', '--detach');
      await git(name, 'worktree', 'add', '-q', join(stack.home, 'workspaces', `.${name}-beside`), 'main');
    },
    /beside/,
  ],
  [
    'filters',
    'attributes that convert',
    async (name) => {
      await put(name, '.git/info/attributes', '*.txt filter=lfs\n');
    },
    /hello\.txt[\s\S]*merge --ff-only/,
  ],
  [
    'no-snapshot',
    'the saved diff gone',
    async (name) => {
      const record = await stack.task(`${name}.md`);
      if (record !== undefined) await rm(join(stack.attemptFolder(record), 'diffs', `${name}.patch`));
    },
    /saved/,
  ],
];

describe('a merge is refused, and leaves every ref, index and file as it was', () => {
  test.each(ways.map((way, index) => [...way, `refused-${index}`] as const))(
    '%s: %s',
    async (code, _what, spoil, said, name) => {
      const { record, head } = await reviewed(name);
      await spoil(name, head);
      const folder = join(stack.home, 'workspaces', name);
      const before = await ownStateOf(folder);
      const refused = await merge(record.id);
      expect(refused.exitCode).toBe(1);
      expect(refused.stdout + refused.stderr).toContain(code);
      expect(refused.stdout + refused.stderr).toMatch(said);
      expect(await ownStateOf(folder)).toEqual(before);
      const { state } = await stack.reaches(`${name}.md`, ['review']);
      expect(state).toMatchObject({ refusals: [{ code }], result: record.state.result });
    },
  );

  test('unverified: without postconditions, unless it is said by name', async () => {
    const { record, base, head } = await reviewed('unverified', '');
    expect(record.state.result.verification).toEqual({ status: 'unverified' });
    const refused = await merge(record.id);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(/unverified/);
    expect(await git('unverified', 'rev-parse', 'main')).toBe(base);
    expect((await merge(record.id, '--unverified')).exitCode).toBe(0);
    expect(await git('unverified', 'rev-parse', 'main')).toBe(head);
    const done = await stack.reaches('unverified.md', ['done']);
    expect(done.state.merged).toMatchObject({ unverified: true });
  });

  test('forbidden-branch: a stage that may not merge there', async () => {
    await stack.workspace('forbidden');
    const base = await git('forbidden', 'rev-parse', 'main');
    await stack.drop('forbidden.md', `workspace: forbidden\nstage: docs\n${hold}\n1. create hello.txt with docs\n`);
    const record = await stack.reaches('forbidden.md', ['review']);
    const refused = await merge(record.id);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(/forbidden-branch[\s\S]*main/);
    expect(await git('forbidden', 'rev-parse', 'main')).toBe(base);
  });

  test('stale-digest: the saved diff is another one than was shown', async () => {
    const { record, base } = await reviewed('stale');
    const path = join(stack.attemptFolder(record), 'diffs', 'index.json');
    await appendFile(path, ' ');
    const refused = await merge(record.id);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(/DO NOT MERGE/);
    expect(await git('stale', 'rev-parse', 'main')).toBe(base);
    const other = await merge(record.id, '--digest', '0'.repeat(64));
    expect(other.exitCode).toBe(1);
    expect((await stack.task('stale.md'))?.state.status).toBe('review');
  });
});

describe('a branch that moved', () => {
  test('is caught up with by a rebase in a sandbox, verified and shown anew, and merged then', async () => {
    const { record, base } = await reviewed('behind');
    await put('behind', 'mine.txt', 'mine');
    await git('behind', 'add', '-A');
    await git('behind', 'commit', '-qm', 'mine');
    const mine = await git('behind', 'rev-parse', 'main');
    expect((await merge(record.id)).stdout).not.toBe('');
    const rebased = await stack.countersign('rebase', record.id);
    expect(`${rebased.exitCode} ${rebased.stdout}${rebased.stderr}`).toMatch(/^0 /);
    const again = await stack.reaches('behind.md', ['review']);
    expect(again.state.result.digest).not.toBe(record.state.result.digest);
    expect(again.state.result).toMatchObject({ verification: { status: 'verified' }, attempt: 2 });
    expect(again.bases).toMatchObject([{ head: mine }]);
    expect(base).not.toBe(mine);
    expect((await merge(record.id)).exitCode).toBe(0);
    expect(await git('behind', 'show', 'main:hello.txt')).toContain('hello from here');
    expect(await git('behind', 'show', 'main:mine.txt')).toBe('mine');
    expect(await git('behind', 'status', '--porcelain')).toBe('');
  });

  test('conflict: where the work does not fit any more, the old result stays', async () => {
    const { record } = await reviewed('clash');
    await put('clash', 'hello.txt', 'something else entirely\n');
    await git('clash', 'add', '-A');
    await git('clash', 'commit', '-qm', 'mine');
    const rebased = await stack.countersign('rebase', record.id);
    expect(rebased.exitCode).toBe(1);
    expect(rebased.stdout + rebased.stderr).toMatch(/conflict[\s\S]*hello\.txt/);
    const { state } = await stack.reaches('clash.md', ['review']);
    expect(state).toMatchObject({ result: record.state.result, refusals: [{ code: 'conflict' }] });
  });
});

describe('conditions', () => {
  test('a postcondition that fails: failed, with diff, log and handoff kept', async () => {
    await stack.workspace('broken');
    await stack.drop(
      'broken.md',
      `${header('broken', 'postconditions:\n  - "true"\n  - echo it is broken && exit 3\n')}1. create hello.txt with hello\n`,
    );
    const record = await stack.reaches('broken.md', ['failed']);
    expect(record.state).toMatchObject({
      error_class: 'postcondition_failed',
      result: { verification: { status: 'failed', checks: [{ exit_code: 0 }, { exit_code: 3 }] } },
    });
    const attempt = stack.attemptFolder(record);
    expect(await readFile(join(attempt, 'postconditions.stdout.log'), 'utf8')).toContain('it is broken');
    expect(await readFile(join(attempt, 'diffs', 'broken.patch'), 'utf8')).toContain('+hello');
    expect(await readFile(join(attempt, 'handoff.yaml'), 'utf8')).toMatch(/postcondition_failed/);
  });

  test('S082 run in a sandbox of their own, without a model and without what the agent left running', async () => {
    await stack.workspace('alone');
    const conditions = [
      'node -e "fetch(\'http://127.0.0.1:11434/api/tags\').then(() => process.exit(1), () => process.exit(0))"',
      'test "$(git rev-list --count HEAD)" = 1',
      'test -z "$(git status --porcelain)"',
      'test ! -e /tmp/left',
    ];
    await stack.drop(
      'alone.md',
      `${header('alone', `postconditions:\n${conditions.map((line) => `  - ${JSON.stringify(line)}\n`).join('')}`)}1. create hello.txt with hello\n2. run touch /tmp/left\n`,
    );
    const { state } = await stack.reaches('alone.md', ['review', 'failed']);
    expect(state).toMatchObject({ status: 'review', result: { verification: { status: 'verified' } } });
  });

  test('F05 a check that a death of the runner cut short begins anew, and counts', async () => {
    await stack.workspace('cutshort');
    await stack.drop(
      'cutshort.md',
      `${header('cutshort', 'postconditions:\n  - echo looking; sleep 6; test -f hello.txt\n')}1. create hello.txt with hello\n`,
    );
    await stack.reaches('cutshort.md', ['verifying']);
    await execa('sleep', ['3']);
    process.kill(await stack.processOf('runner'), 'SIGKILL');
    const { state } = await stack.reaches('cutshort.md', ['review', 'failed'], 90_000);
    expect(state).toMatchObject({ status: 'review', result: { verification: { status: 'verified' } } });
  });

  test('a precondition that does not hold: nothing is begun', async () => {
    await stack.workspace('unready');
    await stack.drop(
      'unready.md',
      `${header('unready', 'preconditions: ["test -f missing.txt"]')}1. create hello.txt with hello\n`,
    );
    const record = await stack.reaches('unready.md', ['failed']);
    expect(record.state).toMatchObject({ error_class: 'precondition_failed', result: null });
    const events = (await stack.events(record.run)).filter((event) => event.task_id === record.id);
    expect(events.map(({ event }) => event)).not.toContain('task_started');
  });

  test('on_success: merge goes into an unprotected branch only', async () => {
    await stack.workspace('byitself');
    await git('byitself', 'branch', 'topic');
    const own = `${hold}on_success: merge\n`;
    await stack.drop('topic.md', `${header('byitself', `base_branch: topic\n${own}`)}1. create hello.txt with hello\n`);
    await stack.drop('main.md', `${header('byitself', own)}1. create hello.txt with hello\n`);
    const merged = await stack.reaches('topic.md', ['done']);
    expect(merged.state.merged).toMatchObject({ channel: 'task-file', command: null });
    expect(await git('byitself', 'rev-parse', 'topic')).toBe(merged.state.result?.repositories[0]?.head);
    await stack.reaches('main.md', ['review']);
  });
});

describe('a run that was killed half-way', () => {
  test('leaves a diff and a handoff', async () => {
    await stack.workspace('halfway');
    await stack.drop(
      'halfway.md',
      `${header('halfway')}1. create kept.txt with kept\n2. run kill -9 $(ps -o ppid= -p $$ 2>/dev/null || cut -d' ' -f4 /proc/$$/stat)\n`,
    );
    const record = await stack.reaches('halfway.md', ['failed']);
    const attempt = stack.attemptFolder(record);
    expect(await readFile(join(attempt, 'diffs', 'halfway.patch'), 'utf8')).toContain('+kept');
    const handoff = await readFile(join(attempt, 'handoff.yaml'), 'utf8');
    expect(handoff).toMatch(/status: failed/);
    expect(handoff).toContain('kept.txt');
  });
});

describe('F05 the runner killed from the host while it merges', () => {
  test('again and again: every merge is whole or did not happen', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const name = `killed-${round}`;
      const { record, base, head } = await reviewed(name);
      await merge(record.id, '--no-wait');
      await execa('sleep', [String(round * 0.15)]);
      process.kill(await stack.processOf('runner'), 'SIGKILL');
      await stack.reaches(`${name}.md`, ['done'], 90_000);
      expect(await git(name, 'rev-parse', 'main')).toBe(head);
      expect(head).not.toBe(base);
      expect(await git(name, 'status', '--porcelain')).toBe('');
      expect(await readFile(join(stack.home, 'workspaces', name, 'hello.txt'), 'utf8')).toContain('hello');
    }
  });
});
