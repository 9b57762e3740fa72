import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@countersign/kit/digest.ts';
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
  test('S019 refuses an engine that is too old, and says what to do', async () => {
    await machine.stub(
      'docker',
      'case "$*" in *Server.APIVersion*) echo 1.44 ;; *Server.Version*) echo 25.0.0 ;; *) echo ok ;; esac',
    );
    const { exitCode, stderr } = await machine.run('up');
    expect(exitCode).not.toBe(0);
    expect(stderr).toMatch(/speaks API 1\.44, and Countersign needs 1\.45/);
    expect(stderr).toMatch(/Update Docker Desktop or OrbStack/);
  });

  test.each([
    ...['1.45', '1.46.2', '1.100', '2.0'].map((api) => [api, 'new enough', 0] as const),
    ...['1.44', '1.9', '0.99', '1', '', 'newest'].map((api) => [api, 'too old', 1] as const),
  ])('S019 an engine that speaks API %j is %s', async (api, _, code) => {
    const judge = '. "$0/scripts/lib/engine.sh"; version_at_least "$1" "$minimum_api" || exit 1';
    expect((await execa('sh', ['-c', judge, root, api], { reject: false })).exitCode).toBe(code);
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

describe('scripts/countersign export', () => {
  const sealed = 'the sealed house';

  /** Exports on a machine whose engine does as it is told, and says what it was told and what lies there then. */
  async function exportHouse(words: readonly string[], { digest = sha256(sealed), engine = '', mv = '' } = {}) {
    const folder = join(machine.folder, 'archives');
    await mkdir(folder);
    await writeFile(join(machine.folder, 'passphrase'), 'correct horse battery');
    await machine.stub(
      'docker',
      `echo "$*" >> "$HOME/asked"
      case "$*" in ${engine}
        *' ps '*) printf 'runner\\nlauncher\\n' ;;
        *' house export '*) cat >/dev/null; printf '${sealed}'; printf 'archive ${digest} ${sealed.length}\\n{}\\n' >&2 ;;
      esac`,
    );
    if (mv !== '') await machine.stub('mv', mv);
    const file = join(folder, 'house.sealed');
    const passphrase = ['--passphrase-file', join(machine.folder, 'passphrase')];
    const ran = await machine.run('countersign', ['export', file, ...passphrase, ...words]);
    const asked = (await readFile(join(machine.folder, 'asked'), 'utf8')).split('\n');
    const names = await readdir(folder);
    const contents = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    return { ...ran, names, contents, told: (word: string) => asked.some((line) => line.includes(` ${word}`)) };
  }

  test('freezes what writes, and lets it go on behind the copy', async () => {
    const { exitCode, names, contents, told } = await exportHouse([]);
    expect({ exitCode, names, contents }).toEqual({ exitCode: 0, names: ['house.sealed'], contents: [sealed] });
    expect([told('pause runner'), told('unpause runner'), told('kill')]).toEqual([true, true, false]);
  });

  test('leaves nothing of an archive that is not whole, and no house without one', async () => {
    const { exitCode, names, told } = await exportHouse(['--leave'], { digest: sha256('more of it') });
    expect(exitCode).not.toBe(0);
    expect(names).toEqual([]);
    expect([told('unpause runner'), told('house note'), told('stop')]).toEqual([true, false, false]);
  });

  test.each([
    ['the note is cut off by Ctrl-C', { engine: `*' house note '*) kill -INT "$PPID" ;;` }, 'house.sealed.part'],
    ['the note fails', { engine: `*' house note '*) exit 1 ;;` }, 'house.sealed.part'],
    ['it cannot have its name', { mv: 'exit 1' }, 'house.sealed.part'],
    ['Ctrl-C comes behind the note', { engine: `*' kill '*) kill -INT "$PPID" ;;` }, 'house.sealed'],
    ['the stack does not stop', { engine: `*' stop') exit 1 ;;` }, 'house.sealed'],
  ])('keeps the archive of a house that is left when %s, and says how to go on', async (_, how, name) => {
    const { exitCode, stderr, names, contents, told } = await exportHouse(['--leave'], how);
    expect(exitCode).not.toBe(0);
    expect({ names, contents }).toEqual({ names: [name], contents: [sealed] });
    expect(stderr).toContain(name);
    expect(stderr).toContain('scripts/countersign export --take-back');
    // What went on now would be missing in the archive.
    expect([told('kill runner'), told('unpause')]).toEqual([true, false]);
  });
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
