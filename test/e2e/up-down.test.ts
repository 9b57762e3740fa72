import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { MatrixOperatorEnv } from '@countersign/contracts/config/matrix.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MatrixHttp } from '../support/matrix-http.ts';
import { Stack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('up-down');
});
afterAll(() => stack[Symbol.asyncDispose]());

/** The running ones, and since when. */
async function containers(): Promise<string> {
  const { stdout } = await execa('docker', [
    'ps',
    '--quiet',
    '--filter',
    `label=com.docker.compose.project=${stack.project}`,
  ]);
  const ids = stdout.split('\n').filter((id) => id !== '');
  if (ids.length === 0) return '';
  const started = '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}';
  return (await execa('docker', ['inspect', '--format', started, ...ids])).stdout.split('\n').sort().join('\n');
}

test('scripts/up prints what it did as JSON on the last line, and a second run changes nothing', async () => {
  const before = await containers();
  const key = await readFile(join((await stack.places()).secrets, 'cli', 'signing.key.pem'), 'utf8');
  const again = await stack.script('up', ['--rehearsal', '--json']);
  expect(again.exitCode).toBe(0);
  expect(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? '')).toEqual({
    dashboard: expect.stringMatching(
      new RegExp(`^http://127\\.0\\.0\\.1:${stack.pagePort}/login\\?token=[A-Za-z0-9_-]{43}$`),
    ),
    homeserver: `http://127.0.0.1:${stack.matrixPort}`,
    operator: '@operator:countersign.local',
    room: expect.stringMatching(/^![\w-]{43}$/),
    home: stack.home,
    model: { kind: 'rehearsal', name: 'rehearsal' },
  });
  expect(again.stderr).toMatch(/no language model/i);
  expect(again.stderr).toContain(`password in ${join(stack.secrets, 'enrol', 'operator.env')}`);
  expect(again.stderr).not.toContain('Needs attention');
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

test('F41 other ids than the recorded ones are refused, naming scripts/up', async () => {
  const { exitCode, stdout, stderr } = await stack.compose('run', '--rm', '--no-deps', '-e', 'INIT_UID=4242', 'init');
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain('scripts/up');
});

test('anybody on this machine who has the password is in the room with any Matrix client', async () => {
  const env = MatrixOperatorEnv.parse(parseEnv(await readFile(join(stack.secrets, 'enrol', 'operator.env'), 'utf8')));
  expect(env.MATRIX_HOMESERVER).toBe(`http://127.0.0.1:${stack.matrixPort}`);
  const client = new MatrixHttp(env.MATRIX_HOMESERVER);
  const { token } = await client.login(env.MATRIX_USER, env.MATRIX_PASSWORD);
  const path = `/rooms/${encodeURIComponent(env.MATRIX_ROOM_ID)}/joined_members`;
  const { joined } = await client.api('GET', path, token);
  expect(Object.keys(Object(joined)).sort()).toEqual(['@agentbot:countersign.local', '@operator:countersign.local']);
});

test('S070 no key, token, password or signature stands in a log or in what the engine shows of a container', async () => {
  const { secrets } = await stack.places();
  const text = (path: string) => readFile(join(secrets, path), 'utf8');
  const known = [
    (await text('cli/signing.key.pem')).split('\n')[1] ?? '',
    (await text('matrix-listener/signing.key.pem')).split('\n')[1] ?? '',
    parseEnv(await text('matrix-listener/matrix-bot.env'))['MATRIX_BOT_TOKEN'] ?? '',
    parseEnv(await text('enrol/operator.env'))['MATRIX_PASSWORD'] ?? '',
    (await text('enrol/bot.password')).trim(),
    (await text('enrol/registration.secret')).trim(),
    (await text('synapse/macaroon.secret')).trim(),
  ];
  for (const secret of known) expect(secret.length).toBeGreaterThan(20);
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
    for (const secret of known) expect(all + inspected).not.toContain(secret);
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
