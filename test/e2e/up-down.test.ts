import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('up-down');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function containers(): Promise<string> {
  const { stdout } = await execa('docker', [
    'ps',
    '--no-trunc',
    '--format',
    '{{.ID}} {{.Label "com.docker.compose.service"}}',
    '--filter',
    `label=com.docker.compose.project=${stack.project}`,
  ]);
  return stdout.split('\n').sort().join('\n');
}

test('scripts/up prints what it did as JSON on the last line, and a second run changes nothing', async () => {
  const before = await containers();
  const key = await readFile(join((await stack.places()).secrets, 'cli', 'signing.key.pem'), 'utf8');
  const again = await stack.script('up', ['--rehearsal', '--json']);
  expect(again.exitCode).toBe(0);
  expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '')).toEqual({
    dashboard: null,
    homeserver: null,
    operator: null,
    room: null,
    home: stack.home,
    model: { kind: 'rehearsal', name: 'rehearsal' },
  });
  expect(again.stderr).toMatch(/no language model/i);
  expect(await containers()).toBe(before);
  expect(await readFile(join((await stack.places()).secrets, 'cli', 'signing.key.pem'), 'utf8')).toBe(key);
});

test('init made the folders, the keys and the first workspace', async () => {
  const { secrets } = await stack.places();
  expect((await stat(join(secrets, 'cli', 'signing.key.pem'))).mode & 0o077).toBe(0);
  expect(await readFile(join(secrets, 'runner', 'shell.pub.pem'), 'utf8')).toContain('PUBLIC KEY');
  const plan = await readFile(
    join(stack.home, 'workspaces', 'mini-control-plane', '.project', 'specs', 'execution-plan.md'),
    'utf8',
  );
  expect(plan).toContain('1. Create hello.txt with a message');
  expect(await readdir(join(stack.home, 'outbox'))).toEqual(
    expect.arrayContaining(['done', 'rejected', 'failed', 'cancelled', 'invalid']),
  );
});

test('other ids than the recorded ones are refused, naming scripts/up', async () => {
  const { exitCode, stdout, stderr } = await stack.compose('run', '--rm', '--no-deps', '-e', 'INIT_UID=4242', 'init');
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain('scripts/up');
});

test('no key, token or signature stands in a log or in what the engine shows of a container', async () => {
  const { secrets } = await stack.places();
  const body = (await readFile(join(secrets, 'cli', 'signing.key.pem'), 'utf8')).split('\n')[1] ?? '';
  expect(body.length).toBeGreaterThan(20);
  const { stdout: ids } = await execa('docker', [
    'ps',
    '--all',
    '--quiet',
    '--filter',
    `label=com.docker.compose.project=${stack.project}`,
  ]);
  for (const id of ids.split('\n')) {
    const { all } = await execa('docker', ['logs', id], { all: true });
    const { stdout: inspected } = await execa('docker', ['inspect', id]);
    expect(all + inspected).not.toContain(body);
  }
});

test("scripts/down stops everything; with --volumes it forgets, and leaves the operator's folder", async () => {
  expect(await stack.script('down', [])).toMatchObject({ exitCode: 0 });
  expect(await containers()).toBe('');
  const sandboxes = await execa('docker', [
    'ps',
    '--all',
    '--quiet',
    '--filter',
    `label=countersign.project=${stack.project}`,
  ]);
  expect(sandboxes.stdout).toBe('');
  const volumes = () =>
    execa('docker', ['volume', 'ls', '--quiet', '--filter', `label=com.docker.compose.project=${stack.project}`]);
  expect((await volumes()).stdout).not.toBe('');
  expect(await stack.script('down', ['--volumes', '--yes'])).toMatchObject({ exitCode: 0 });
  expect((await volumes()).stdout).toBe('');
  await access(join(stack.home, 'workspaces', 'mini-control-plane', 'README.md'));
});
