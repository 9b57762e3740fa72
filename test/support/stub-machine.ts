import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { root } from './stack.ts';

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
  'touch',
  'mktemp',
  'sha256sum',
  'sha512sum',
  'shasum',
  'uname',
];

/**
 * A machine that this one cannot be, for the host scripts: another system, an old engine, no engine. The programs that they ask
 * are stand-ins in a folder that is the whole PATH.
 */
export class StubMachine implements AsyncDisposable {
  readonly folder: string;
  readonly #bin: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#bin = join(folder, 'bin');
  }

  static async make(): Promise<StubMachine> {
    const machine = new StubMachine(await mkdtemp(join(tmpdir(), 'countersign-scripts-')));
    await mkdir(machine.#bin);
    const found = await execa('sh', ['-c', `for tool in ${plainTools.join(' ')}; do command -v "$tool"; done`]);
    for (const path of found.stdout.split('\n').filter((line) => line.startsWith('/')))
      await symlink(path, join(machine.#bin, path.split('/').at(-1) ?? ''));
    return machine;
  }

  /** Puts a script of `sh` in a program's place. */
  async stub(name: string, script: string): Promise<void> {
    const path = join(this.#bin, name);
    await rm(path, { force: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  /** Runs one of `scripts/` with nothing of this process's environment. */
  run(script: string, args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) {
    return this.#execute(join(root, 'scripts', script), args, more);
  }

  /** Runs a few lines of `sh` with the functions of the host scripts. */
  call(lines: string, more: Readonly<Record<string, string>> = {}) {
    const names = ['progress', 'settings', 'matrix', 'page', 'health'];
    const sources = names.map((name) => `. "$root/scripts/lib/${name}.sh"`);
    return this.#execute('sh', ['-euc', [`root='${root}'`, ...sources, lines].join('\n')], more);
  }

  async #execute(file: string, args: readonly string[], more: Readonly<Record<string, string>>) {
    const environment = {
      PATH: this.#bin,
      HOME: this.folder,
      COMPOSE_PROJECT_NAME: 'countersign-test-scripts',
      COUNTERSIGN_ENV_FILE: join(this.folder, 'settings.env'),
      AGENTIC_HOME: join(this.folder, 'home'),
      ...more,
    };
    const options = { env: environment, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    const { exitCode, stdout, stderr } = await execa(file, args, options);
    return { exitCode, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
