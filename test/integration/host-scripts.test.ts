import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../support/stack.ts';

// What the host scripts say where this machine cannot be: another system, an old engine, no engine. The programs that they ask
// are stand-ins in a folder that is the whole PATH.
const plainTools = [
  'sh',
  'sed',
  'grep',
  'cut',
  'tr',
  'tail',
  'head',
  'cat',
  'date',
  'dirname',
  'mkdir',
  'rm',
  'mv',
  'id',
  'sleep',
  'cksum',
  'sort',
  'find',
  'git',
  'env',
  'wc',
  'printf',
  'stty',
  'uname',
];
let folder: string;
let bin: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-scripts-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  const found = await execa('sh', ['-c', `for tool in ${plainTools.join(' ')}; do command -v "$tool"; done`]);
  for (const path of found.stdout.split('\n').filter((line) => line.startsWith('/')))
    await symlink(path, join(bin, path.split('/').at(-1) ?? ''));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function stub(name: string, script: string): Promise<void> {
  const path = join(bin, name);
  await rm(path, { force: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

async function run(script: string, ...args: string[]) {
  const environment = {
    PATH: bin,
    HOME: folder,
    COMPOSE_PROJECT_NAME: 'countersign-test-scripts',
    COUNTERSIGN_ENV_FILE: join(folder, 'settings.env'),
    AGENTIC_HOME: join(folder, 'home'),
  };
  const { exitCode, stdout, stderr } = await execa(join(root, 'scripts', script), args, {
    env: environment,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
  return { exitCode, stdout, stderr };
}

describe('scripts/up', () => {
  test('refuses an engine that is too old, and says what to do', async () => {
    await stub(
      'docker',
      'case "$*" in *Server.APIVersion*) echo 1.44 ;; *Server.Version*) echo 25.0.0 ;; *) echo ok ;; esac',
    );
    const { exitCode, stderr } = await run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/speaks API 1\.44, and Countersign needs 1\.45/);
    expect(stderr).toMatch(/Update Docker Desktop or OrbStack/);
  });

  test('on a Mac without an engine says exactly what to install', async () => {
    await stub('uname', 'echo Darwin');
    const { exitCode, stderr } = await run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/Install Docker Desktop \(4\.29 or newer\) or OrbStack/);
  });

  test('on a machine that is not Debian says exactly what to install', async () => {
    const { exitCode, stderr } = await run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/Install Docker Engine 26 or newer with the Compose v2 and buildx plugins/);
  });

  test('does not install a second engine beside one that the operator named', async () => {
    await stub('docker', 'exit 1');
    const { exitCode, stderr } = await execa(join(root, 'scripts', 'up'), [], {
      env: {
        PATH: bin,
        HOME: folder,
        DOCKER_HOST: 'unix:///nowhere.sock',
        COUNTERSIGN_ENV_FILE: join(folder, 'settings.env'),
      },
      extendEnv: false,
      reject: false,
    });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/DOCKER_HOST is 'unix:\/\/\/nowhere\.sock', and no engine answers there/);
  });
});

describe('every host script', () => {
  test('explains itself with --help and refuses what it does not know', async () => {
    await stub('docker', 'exit 1');
    for (const script of ['up', 'down', 'test']) {
      expect(await run(script, '--help')).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/^Usage: scripts\//),
      });
      expect(await run(script, '--nonsense')).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('--nonsense'),
      });
    }
    expect(await run('countersign', '--help')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('approve'),
    });
  });

  test('is plain POSIX shell', async () => {
    const scripts = [
      ...(await readdir(join(root, 'scripts'))),
      ...(await readdir(join(root, 'scripts', 'lib'))).map((name) => `lib/${name}`),
    ].filter((name) => name !== 'lib');
    expect(scripts.length).toBeGreaterThan(10);
    for (const script of scripts)
      expect(await execa('sh', ['-n', join(root, 'scripts', script)], { reject: false }), script).toMatchObject({
        exitCode: 0,
      });
  });
});

describe('scripts/down', () => {
  test('forgets nothing without being asked on a terminal or told --yes', async () => {
    await stub('docker', 'echo "docker $*" >> "$HOME/asked"; exit 0');
    const { exitCode, stderr } = await run('down', '--volumes');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/--yes/);
    const asked = await execa('cat', [join(folder, 'asked')], { reject: false });
    expect(asked.stdout).not.toMatch(/--volumes|volume rm/);
  });
});
