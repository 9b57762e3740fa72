import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { operatorGit, rebaseOf } from './repository.ts';

/** A repository of the operator's whose branch moves on while a result, on branch `result`, waits. */
export class RebaseGround {
  readonly folder: string;
  readonly name: string;
  readonly from: string;

  /** @param files what both sides start with */
  constructor(folder: string, name: string, files: Readonly<Record<string, string | Buffer>>) {
    this.folder = folder;
    this.name = name;
    mkdirSync(folder, { recursive: true });
    this.git('init', '-q', '-b', 'main');
    this.commit('before', { 'history.txt': 'never sent\n' });
    this.from = this.commit('start', files);
    this.git('branch', 'result');
  }

  git(...args: readonly string[]): string {
    return operatorGit(this.folder, args).toString('latin1').trim();
  }

  /** Commits files upon the branch that is checked out. @returns the commit */
  commit(
    message: string,
    files: Readonly<Record<string, string | Buffer>>,
    author = 'Ann <ann@example.invalid>',
  ): string {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '--author', author, '--date', '2001-02-03T04:05:06+0700', '-m', message);
    return this.head();
  }

  /** Commits this many times upon `result`, a small new file each. */
  manyCommits(count: number): void {
    const stream = Array.from({ length: count }, (_, index) => {
      const text = `number ${index}\n`;
      const parent = index === 0 ? `from ${this.from}\n` : '';
      const committer = `committer Ann <ann@example.invalid> ${1_000_000 + index} +0000`;
      const file = `M 100644 inline d${index % 10}/f${index}.txt\ndata ${text.length}\n${text}`;
      return `commit refs/heads/result\n${committer}\ndata <<E\nc${index}\nE\n${parent}${file}\n`;
    });
    this.on('main');
    operatorGit(this.folder, ['fast-import', '--quiet', '--force'], Buffer.from(stream.join('')));
  }

  head(name = 'HEAD'): string {
    return this.git('rev-parse', name);
  }

  /** Checks a branch out; `commit` goes upon it from here on. */
  on(branch: 'main' | 'result'): this {
    this.git('checkout', '-q', branch);
    return this;
  }

  /** `result` is to be carried over to `main`, as they stand now. */
  rebase() {
    return rebaseOf(this.folder, this.name, {
      baseHead: this.head('main'),
      from: this.from,
      head: this.head('result'),
    });
  }

  /** Takes a bundle in. @returns its head */
  take(bundle: Buffer | undefined): string {
    const file = join(this.folder, '.git', 'carried.bundle');
    writeFileSync(file, bundle ?? '');
    this.git('fetch', '-q', file, '+refs/heads/agent:refs/carried');
    return this.head('refs/carried');
  }
}
