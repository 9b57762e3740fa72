import { cp, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ownStateOf } from '../support/checkout-state.ts';
import { Operator } from '../support/operator.ts';
import { root, Stack } from '../support/stack.ts';

let stack: Stack;
let operator: Operator;

beforeAll(async () => {
  stack = await Stack.up('work');
  operator = await Operator.of(stack);
});
afterAll(() => stack[Symbol.asyncDispose]());

const remembered = (...args: string[]) => operator.git('../memory', ...args);

describe('a durable task', () => {
  const file = 'memory/shop/tasks/T0147-greeting.md';
  const text =
    '---\nid: T0147\ntitle: Greet the visitor\nstatus: todo\nbase_branch: long-lived\nowner: me\n---\n\nIn every shop.\n';

  test('says what a run of it is about and where it belongs; its status follows, each change a commit', async () => {
    await stack.workspace('shop');
    await operator.git('shop', 'branch', 'long-lived');
    await operator.put('shop', 'later.txt', 'on main only\n');
    await operator.commitAll('shop', 'main goes on');
    const target = await operator.git('shop', 'rev-parse', 'long-lived');
    await operator.write(file, text);
    await operator.write('memory/shop/decisions/2026-11-01-words.md', 'We say hello, never hi.\n');
    await stack.drop('greet.md', 'workspace: shop\nstage: dev\ntask: T0147\n\n1. create hello.txt with hello\n');
    const record = await stack.reaches('greet.md', ['review']);
    expect(record).toMatchObject({ memory_task: 'T0147', bases: [{ branch: 'long-lived', head: target }] });

    const context = await readFile(join(stack.attemptFolder(record), 'context.md'), 'utf8');
    for (const part of ['Greet the visitor', 'In every shop.', 'We say hello, never hi.', target, 'long-lived'])
      expect(context).toContain(part);
    expect(context).toMatch(/no earlier handoffs/i);
    expect(context).toMatch(/no notes/i);

    await expect
      .poll(() => readFile(join(stack.home, file), 'utf8'), { timeout: 20_000 })
      .toBe(text.replace('status: todo', 'status: review'));
    await expect.poll(() => remembered('log', '--format=%s'), { timeout: 20_000 }).toMatch(/T0147/);
    expect(await remembered('log', '--format=%s')).toMatch(/edited by hand/);
    // The memory follows behind the work; in the end everything is committed.
    await expect.poll(() => remembered('status', '--porcelain'), { timeout: 20_000 }).toBe('');
  });

  test('and the next run begins with what the last one handed off', async () => {
    await expect.poll(() => readdir(join(stack.home, 'memory/shop/handoffs')), { timeout: 20_000 }).toHaveLength(1);
    await operator.write(file, text.replace('title: Greet the visitor', 'title: Greet every visitor'));
    await stack.drop('again.md', 'workspace: shop\nstage: dev\ntask: T0147\n\n1. create bye.txt with bye\n');
    const record = await stack.reaches('again.md', ['review']);
    const context = await readFile(join(stack.attemptFolder(record), 'context.md'), 'utf8');
    expect(context).toContain('Greet every visitor');
    expect(context).toContain('hello.txt');
    expect(context).not.toMatch(/no earlier handoffs/i);
    const handoff = parse(await readFile(join(stack.attemptFolder(record), 'handoff.yaml'), 'utf8'));
    expect(handoff).toMatchObject({ task: record.id, memory_task: 'T0147', status: 'review', workspace: 'shop' });
    expect(handoff.evidence.changed.join()).toContain('bye.txt');
    expect((await stack.countersign('handoff', record.id)).stdout).toContain('bye.txt');
  });

  test('that nobody wrote is refused with the path to make', async () => {
    await stack.drop('nobody.md', 'workspace: shop\ntask: T9999\n\n1. create x.txt with x\n');
    const reason = join(stack.home, 'outbox', 'invalid', 'nobody.md.error.txt');
    await expect
      .poll(() => readFile(reason, 'utf8').catch(() => ''), { timeout: 20_000 })
      .toMatch(/memory\/shop\/tasks/);
  });
});

describe('the operator’s checkout is not touched, nor its index rewritten', () => {
  test.each<[string, (name: string) => Promise<unknown>]>([
    [
      'half-done edits and untracked files',
      async (name) => {
        await operator.put(name, 'README.md', 'half a thought');
        await operator.put(name, 'untracked.txt', 'mine');
        await operator.put(name, 'staged.txt', 'mine');
        await operator.git(name, 'add', 'staged.txt');
      },
    ],
    [
      'a merge under way',
      async (name) => {
        await operator.git(name, 'checkout', '-qb', 'other');
        await operator.put(name, 'README.md', 'theirs\n');
        await operator.commitAll(name, 'theirs');
        await operator.git(name, 'checkout', '-q', 'main');
        await operator.put(name, 'README.md', 'ours\n');
        await operator.commitAll(name, 'ours');
        await operator.git(name, 'merge', 'other').catch(() => undefined);
      },
    ],
    [
      'files behind a filter, as LFS has them',
      async (name) => {
        await operator.put(name, '.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
        await operator.put(name, 'large.bin', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n');
        await operator.commitAll(name, 'a pointer');
        await operator.put(name, 'large.bin', 'large');
      },
    ],
    ['a detached HEAD', (name) => operator.git(name, 'checkout', '-q', '--detach')],
  ])('with %s', async (_what, prepare) => {
    const name = `state-${_what.replaceAll(/\W+/g, '-').slice(0, 20)}`;
    await stack.workspace(name);
    await prepare(name);
    const folder = join(stack.home, 'workspaces', name);
    const before = await ownStateOf(folder);
    await stack.drop(
      `${name}.md`,
      `workspace: ${name}\nstage: dev\nbase_branch: main\n\n1. create hello.txt with hello\n`,
    );
    await stack.reaches(`${name}.md`, ['review']);
    expect(await ownStateOf(folder)).toEqual(before);
  });
});

describe('a workspace with tools of its own', () => {
  test('a Node project with a lockfile runs npm test as a postcondition, in its image and without a network', async () => {
    const folder = join(stack.home, 'workspaces', 'node-project');
    await cp(join(root, 'test/fixtures/node-project'), folder, { recursive: true });
    await stack.workspace('node-project', {});
    const task =
      'workspace: node-project\nstage: dev\npostconditions:\n  - npm test\n\n1. create note.txt with hello\n';
    await stack.drop('without.md', task);
    const failed = await stack.reaches('without.md', ['failed']);
    expect(failed.state).toMatchObject({ error_class: 'postcondition_failed' });

    const built = await stack.countersign('image', 'node-project', '--json');
    expect(built.exitCode).toBe(0);
    const { image } = JSON.parse(built.stdout.trim().split('\n').at(-1) ?? '{}');
    try {
      await stack.drop('with.md', task);
      const record = await stack.reaches('with.md', ['review', 'failed'], 120_000);
      expect(record.state).toMatchObject({ status: 'review', result: { verification: { status: 'verified' } } });
      const context = await readFile(join(stack.attemptFolder(record), 'context.md'), 'utf8');
      expect(context).toContain('.project/Dockerfile');

      const opened = await stack.countersign('open', record.id);
      expect(`${opened.exitCode} ${opened.stderr}`).toMatch(/^0 /);
      expect(await readFile(join(stack.home, 'open', record.id, 'note.txt'), 'utf8')).toContain('hello');
      expect((await stack.countersign('merge', record.id)).exitCode).toBe(0);
      expect((await stack.countersign('close', record.id)).exitCode).toBe(0);
      expect(await readdir(join(stack.home, 'open'))).toEqual([]);
    } finally {
      if (typeof image === 'string') await execa('docker', ['image', 'rm', '--force', image], { reject: false });
    }
  }, 300_000);
});

describe('cleaning up', () => {
  test('shows what may go, removes it only when told, and never work', async () => {
    await stack.drop('done.md', 'workspace: shop\nstage: dev\n\nrun git status\n');
    const record = await stack.reaches('done.md', ['done']);
    const attempt = stack.attemptFolder(record);
    const before = await readdir(attempt);
    expect(before).toEqual(expect.arrayContaining(['stdout.log', 'handoff.yaml', 'context.md', 'agent-summary.md']));
    const shown = await stack.countersign('clean', '--older-than', '0');
    expect(shown.stdout).toContain(`${record.id}/attempts/1/stdout.log`);
    expect(await readdir(attempt)).toEqual(before);
    expect((await stack.countersign('clean', '--older-than', '0', '--apply')).exitCode).toBe(0);
    await expect
      .poll(() => readdir(attempt), { timeout: 20_000 })
      .toEqual(before.filter((name) => !/std(out|err)\.log$/.test(name)));
    expect(await operator.git('shop', 'rev-parse', '--verify', 'main')).toMatch(/^[0-9a-f]{40}$/);
  });
});
