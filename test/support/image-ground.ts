import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { workspaceImageName } from '@countersign/launcher/src/workspace-image-name.ts';
import { execa } from 'execa';
import { docker, imageTag } from './launcher-fixture.ts';
import { root } from './stack.ts';

/** An operator's folder with workspaces whose names nobody else has, and the images that are built for them. */
export class ImageGround implements AsyncDisposable {
  readonly home: string;
  readonly #suffix = randomBytes(4).toString('hex');
  readonly #workspaces = new Set<string>();

  private constructor(home: string) {
    this.home = home;
  }

  static async make(): Promise<ImageGround> {
    const home = await mkdtemp(join(tmpdir(), 'countersign-image-'));
    await mkdir(join(home, 'workspaces'));
    return new ImageGround(home);
  }

  /** Names a workspace of its own; nothing is made yet. */
  name(name: string): string {
    const workspace = `${name}-${this.#suffix}`;
    this.#workspaces.add(workspace);
    return workspace;
  }

  folder(path: string): string {
    return join(this.home, 'workspaces', path);
  }

  imageOf(workspace: string): string {
    return `${workspaceImageName(workspace)}:${imageTag}`;
  }

  /** A repository of the fixture's files and of these, all committed. @param path below `workspaces/` */
  async repository(path: string, files: Readonly<Record<string, string>>, fixture?: string): Promise<string> {
    const folder = this.folder(path);
    await mkdir(folder, { recursive: true });
    if (fixture !== undefined) await cp(join(root, 'test/fixtures', fixture), folder, { recursive: true });
    await this.git(folder, 'init', '--quiet', '--initial-branch=main');
    await this.commit(folder, files);
    return folder;
  }

  async commit(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
    await this.write(folder, files);
    await this.git(folder, 'add', '--all');
    const identity = ['-c', 'user.name=Ada', '-c', 'user.email=ada@localhost'];
    await this.git(folder, ...identity, 'commit', '--quiet', '--allow-empty', '--message=work');
  }

  async write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  }

  async git(folder: string, ...args: readonly string[]): Promise<string> {
    return (await execa('git', args, { cwd: folder })).stdout;
  }

  async countersign(...args: readonly string[]) {
    const env = { AGENTIC_HOME: this.home, COUNTERSIGN_TAG: imageTag };
    const { exitCode, stdout, stderr } = await execa(join(root, 'scripts/countersign'), args, {
      env,
      reject: false,
      stdin: 'ignore',
    });
    return { exitCode, stdout, stderr };
  }

  /** Tags that an image name of the workspace's has, finished or not. */
  async tags(workspace: string): Promise<string[]> {
    const listed = await docker('image', 'ls', '--format', '{{.Tag}}', workspaceImageName(workspace));
    return listed.split('\n').filter((tag) => tag !== '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const workspace of this.#workspaces) {
      const tags = await this.tags(workspace);
      if (tags.length > 0) await docker('image', 'rm', ...tags.map((tag) => `${workspaceImageName(workspace)}:${tag}`));
    }
    await rm(this.home, { recursive: true, force: true });
  }
}
