import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { StubMachine } from './stub-machine.ts';

export const task = 'abcde';
export const run = 'RUN-20261121-001';
const identity = { NAME: 'Ada', EMAIL: 'ada@localhost' };
const people = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((role) =>
    Object.entries(identity).map(([key, value]) => [`GIT_${role}_${key}`, value]),
  ),
);

/**
 * A machine whose Docker only says what the command in its container would of a task's result, with real repositories below
 * `workspaces/` in the operator's folder.
 */
export class OpenGround implements AsyncDisposable {
  readonly machine: StubMachine;
  readonly home: string;

  private constructor(machine: StubMachine) {
    this.machine = machine;
    this.home = join(machine.folder, 'home');
  }

  static async make(): Promise<OpenGround> {
    const ground = new OpenGround(await StubMachine.make());
    for (const tool of ['ls', 'chown', 'rmdir']) await ground.machine.stub(tool, `exec /bin/${tool} "$@"`);
    await ground.says('', 1);
    await mkdir(join(ground.home, 'workspaces'), { recursive: true });
    return ground;
  }

  /** What the container prints from now on, and its exit code; what it is asked is kept in `asked`. */
  async says(lines: string, exitCode = 0): Promise<void> {
    await writeFile(join(this.machine.folder, 'lines'), lines);
    await this.machine.stub('docker', `printf '%s\\n' "$@" >"$HOME/asked"; cat "$HOME/lines"; exit ${exitCode}`);
  }

  asked(): Promise<string> {
    return readFile(join(this.machine.folder, 'asked'), 'utf8');
  }

  /** A repository with one commit of the operator's. @param path below `workspaces/` */
  async repository(path: string): Promise<string> {
    const folder = join(this.home, 'workspaces', path);
    await mkdir(folder, { recursive: true });
    await this.git(folder, 'init', '--quiet', '--initial-branch=main');
    await this.write(folder, { 'read.me': 'first\n' });
    await this.git(folder, 'add', '--all');
    await this.git(folder, 'commit', '--quiet', '--message=first');
    return folder;
  }

  /** A commit that is in no checkout, under the task's ref, as the runner leaves it. */
  async result(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
    const draft = `${folder}.draft`;
    await this.git(folder, 'worktree', 'add', '--quiet', '--detach', draft);
    await this.write(draft, files);
    await this.git(draft, 'add', '--all');
    await this.git(draft, 'commit', '--quiet', '--message=work');
    const head = await this.git(draft, 'rev-parse', 'HEAD');
    await this.git(folder, 'update-ref', `refs/agentic/${run}/${task}`, head);
    await this.git(folder, 'worktree', 'remove', '--force', draft);
    return head;
  }

  /** What the container says of a result in these repositories. */
  lines(workspace: string, heads: Readonly<Record<string, string>>): string {
    const repositories = Object.entries(heads).map(
      ([name, head]) => `repository ${name} ${head} refs/agentic/${run}/${task}\n`,
    );
    return `result ${task} ${workspace}\n${repositories.join('')}`;
  }

  async write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  }

  async program(path: string, script: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
  }

  async git(folder: string, ...args: string[]): Promise<string> {
    const env = { ...people, HOME: this.machine.folder, GIT_CONFIG_NOSYSTEM: '1' };
    return (await execa('git', args, { cwd: folder, env })).stdout;
  }

  countersign(...args: string[]) {
    return this.machine.run('countersign', args);
  }

  async exists(...parts: string[]): Promise<boolean> {
    return await access(join(this.home, ...parts)).then(
      () => true,
      () => false,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
  }
}
