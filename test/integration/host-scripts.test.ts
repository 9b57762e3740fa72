import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { StubMachine } from '../support/stub-machine.ts';

let machine: StubMachine;
beforeEach(async () => {
  machine = await StubMachine.make();
});
afterEach(() => machine[Symbol.asyncDispose]());

describe('scripts/up', () => {
  test('refuses an engine that is too old, and says what to do', async () => {
    await machine.stub(
      'docker',
      'case "$*" in *Server.APIVersion*) echo 1.44 ;; *Server.Version*) echo 25.0.0 ;; *) echo ok ;; esac',
    );
    const { exitCode, stderr } = await machine.run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/speaks API 1\.44, and Countersign needs 1\.45/);
    expect(stderr).toMatch(/Update Docker Desktop or OrbStack/);
  });

  test('on a Mac without an engine says exactly what to install', async () => {
    await machine.stub('uname', 'echo Darwin');
    const { exitCode, stderr } = await machine.run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/Install Docker Desktop \(4\.29 or newer\) or OrbStack/);
  });

  test('on a machine that is not Debian says exactly what to install', async () => {
    const { exitCode, stderr } = await machine.run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/Install Docker Engine 26 or newer with the Compose v2 and buildx plugins/);
  });

  test('does not install a second engine beside one that the operator named', async () => {
    await machine.stub('docker', 'exit 1');
    const { exitCode, stderr } = await machine.run('up', [], { DOCKER_HOST: 'unix:///nowhere.sock' });
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/DOCKER_HOST is 'unix:\/\/\/nowhere\.sock', and no engine answers there/);
  });
});

describe('every host script', () => {
  test('explains itself with --help and refuses what it does not know', async () => {
    await machine.stub('docker', 'exit 1');
    for (const script of ['up', 'down', 'test']) {
      expect(await machine.run(script, ['--help'])).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/^Usage: scripts\//),
      });
      expect(await machine.run(script, ['--nonsense'])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('--nonsense'),
      });
    }
    expect(await machine.run('countersign', ['--help'])).toMatchObject({
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

test('a step that ends as soon as it begins is not waited for', async () => {
  const many = `root=$0; . "$root/scripts/lib/progress.sh"; n=0; while [ $n -lt 300 ]; do step "step $n" true; n=$((n + 1)); done`;
  const house = join(machine.folder, 'house');
  await cp(join(root, 'scripts'), join(house, 'scripts'), { recursive: true });
  const { exitCode, stderr } = await execa('sh', ['-euc', many, house], { reject: false, timeout: 60_000 });
  expect(exitCode).toBe(0);
  expect(stderr.match(/✓ step/g)).toHaveLength(300);
});

describe('scripts/down', () => {
  test('forgets nothing without being asked on a terminal or told --yes', async () => {
    await machine.stub('docker', 'echo "docker $*" >> "$HOME/asked"; exit 0');
    const { exitCode, stderr } = await machine.run('down', ['--volumes']);
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/--yes/);
    const asked = await execa('cat', [join(machine.folder, 'asked')], { reject: false });
    expect(asked.stdout).not.toMatch(/--volumes|volume rm/);
  });
});
