import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainGit } from './repository.ts';

type Entry = readonly [mode: string, name: string, oid: string];

/** A blob, written without a look at it. */
export function writeBlob(folder: string, content: string | Buffer): string {
  return plainGit(folder, ['hash-object', '-w', '--stdin'], content);
}

/** A tree of exactly these entries, in this order, however wrong they are. */
export function writeTree(folder: string, entries: readonly Entry[]): string {
  const raw = Buffer.concat(
    entries.map(([mode, name, oid]) => Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')])),
  );
  return plainGit(folder, ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], raw);
}

/** A commit of a tree; with no parents a root. */
export function writeCommit(folder: string, tree: string, parents: readonly string[]): string {
  return plainGit(folder, ['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-m', 'work']);
}

/** The entries of a commit's top folder and more, as `writeTree` sorts nothing: sorted as git does for files. */
export function entriesWith(folder: string, commit: string, more: readonly Entry[]): Entry[] {
  const present = plainGit(folder, ['ls-tree', commit])
    .split('\n')
    .map((line): Entry => {
      const [meta = '', name = ''] = line.split('\t');
      const [mode = '', , oid = ''] = meta.split(' ');
      return [mode.replace(/^0/, ''), name, oid];
    });
  const key = ([mode, name]: Entry) => Buffer.from(mode === '40000' ? `${name}/` : name);
  return [...present, ...more].sort((a, b) => key(a).compare(key(b)));
}

/** A bundle as `git bundle create` makes it, of `agent` in a sandbox's working copy. */
export function honestBundle(folder: string, base: string): string {
  const path = join(folder, '.git', 'result.bundle');
  execFileSync('git', ['bundle', 'create', '-q', path, `${base}..agent`], { cwd: folder });
  return path;
}

/** A bundle whose header and pack are put together by hand. `objects` goes to `git pack-objects --revs`, or is a list of objects. */
export function forgedBundle(
  folder: string,
  options: { header: string; revisions?: string; objects?: readonly string[]; cut?: number },
): string {
  const args = options.objects === undefined ? ['--revs', '--thin'] : [];
  const input = options.objects === undefined ? (options.revisions ?? '') : `${options.objects.join('\n')}\n`;
  const pack = execFileSync('git', ['pack-objects', '-q', '--stdout', ...args], {
    cwd: folder,
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 1024 ** 3,
  });
  const path = join(folder, '.git', 'forged.bundle');
  writeFileSync(path, Buffer.concat([Buffer.from(options.header), pack.subarray(0, pack.length - (options.cut ?? 0))]));
  return path;
}

/** The header of a well-formed bundle. */
export function bundleHeader(base: string, tip: string): string {
  return `# v2 git bundle\n-${base} first\n${tip} refs/heads/agent\n\n`;
}
