import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, Stack } from '../support/stack.ts';

let stack: Stack;
let elsewhere: string;

beforeAll(async () => {
  stack = await Stack.up('override');
  elsewhere = await mkdtemp(join(tmpdir(), 'countersign-elsewhere-'));
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(elsewhere, { recursive: true, force: true });
});

test('a repository that lies elsewhere works when an override file mounts it', async () => {
  await execa('git', ['init', '-q', '-b', 'main', elsewhere]);
  const identity = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.invalid'];
  await writeFile(join(elsewhere, 'README.md'), '# Shop\n');
  await execa('git', ['-C', elsewhere, 'add', '-A']);
  await execa('git', ['-C', elsewhere, ...identity, 'commit', '-qm', 'first']);
  await stack.own(elsewhere);
  await mkdir(join(stack.home, 'workspaces', 'shop'));
  const override = join(elsewhere, '..', `${stack.project}.override.yml`);
  const mount = {
    type: 'bind',
    source: elsewhere,
    target: '/volumes/workspaces/shop',
    bind: { create_host_path: false },
  };
  await writeFile(override, JSON.stringify({ services: { runner: { volumes: [mount] } } }));

  stack.more['COMPOSE_FILE'] = `${join(root, 'docker-compose.yml')}:${override}`;
  expect(await stack.script('up', ['--rehearsal'])).toMatchObject({ exitCode: 0 });
  await stack.drop('shop.md', 'workspace: shop\nstage: dev\n\ncreate made.txt with "here"');
  const done = await stack.reaches('shop.md', ['review']);
  const { stdout } = await execa('git', [
    '-c',
    `safe.directory=${elsewhere}`,
    '-C',
    elsewhere,
    'show',
    `refs/agentic/${done.run}/${done.id}:made.txt`,
  ]);
  expect(stdout).toBe('here');
  // The stack is taken down without it.
  delete stack.more['COMPOSE_FILE'];
  await rm(override);
});
