import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { Stack } from './stack.ts';

const identity = ['-c', 'user.name=Operator', '-c', 'user.email=operator@example.invalid'];

/** The operator at the host, with the user id that the stack runs as: git of this machine, and an editor. */
export class Operator {
  readonly #stack: Stack;
  readonly #ids: { readonly uid: number; readonly gid: number };

  private constructor(stack: Stack, ids: { uid: number; gid: number }) {
    this.#stack = stack;
    this.#ids = ids;
  }

  static async of(stack: Stack): Promise<Operator> {
    const [uid = 0, gid = 0] = (await stack.places()).operator.split(':').map(Number);
    // They have to get to what lies in the stack's folder.
    await chmod(dirname(stack.home), 0o711);
    return new Operator(stack, { uid, gid });
  }

  /** git in a workspace, or in one of its repositories. */
  async git(path: string, ...args: string[]): Promise<string> {
    const folder = join(this.#stack.home, 'workspaces', path);
    const options = { ...this.#ids, env: { HOME: '/nonexistent' } };
    return (await execa('git', ['-C', folder, ...identity, ...args], options)).stdout;
  }

  /** Writes a file, relative to the home. */
  async write(path: string, content: string): Promise<void> {
    const options = { ...this.#ids, input: content };
    await execa('sh', ['-c', 'mkdir -p "$(dirname "$0")" && cat > "$0"', join(this.#stack.home, path)], options);
  }

  /** Writes a file into a workspace. */
  put(workspace: string, path: string, content: string): Promise<void> {
    return this.write(`workspaces/${workspace}/${path}`, content);
  }

  async commitAll(workspace: string, message: string): Promise<string> {
    await this.git(workspace, 'add', '-A');
    await this.git(workspace, 'commit', '-qm', message);
    return this.git(workspace, 'rev-parse', 'HEAD');
  }
}
