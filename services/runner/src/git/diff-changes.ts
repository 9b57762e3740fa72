import type { DiffFile } from '@countersign/contracts/diff-index.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from './git.ts';

export type Change = Omit<DiffFile, 'flags'>;

const statuses: Readonly<Record<string, Change['status']>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  T: 'type-changed',
};

/**
 * What changed between two commits, file by file, in the order of `git diff`; the paths are whole.
 * @param options of `git diff`, which decide what counts as renamed
 * @throws GitError
 */
export async function readChanges(
  quarantine: string,
  base: ObjectId,
  head: ObjectId,
  options: readonly string[],
  signal?: AbortSignal,
): Promise<Change[]> {
  const listing = ['diff', ...options, '--no-abbrev', '--raw', '--numstat', '-z', base, head];
  const fields = (await git(quarantine, listing, { signal })).toString('latin1').split('\0').values();
  const next = () => fields.next().value ?? '';
  const changes: Change[] = [];
  let field = next();
  for (; field.startsWith(':'); field = next()) {
    const [, old_mode = '', new_mode = '', before = '', after = '', letter = ''] =
      /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/.exec(field) ?? [];
    const status = statuses[letter] ?? 'modified';
    const first = textOf(next());
    changes.push({
      ...(status === 'renamed' ? { old_path: first, path: textOf(next()) } : { path: first }),
      status,
      old_mode,
      new_mode,
      ...(old_mode === '000000' ? {} : { old_oid: before }),
      ...(new_mode === '000000' ? {} : { new_oid: after }),
      insertions: null,
      deletions: null,
      bytes: 0,
    });
  }
  // The counts follow in the same order.
  const sizes = await sizesOf(quarantine, changes, signal);
  return changes.map((change, index) => {
    const [, insertions = '-', deletions = '-', path = ''] = /^(\d+|-)\t(\d+|-)\t(.*)$/s.exec(field) ?? [];
    // A renamed file's two names stand in fields of their own.
    if (path === '') {
      next();
      next();
    }
    field = next();
    const counts = insertions === '-' ? {} : { insertions: Number(insertions), deletions: Number(deletions) };
    return { ...change, ...counts, bytes: sizes[index] ?? 0 };
  });
}

/** In bytes, of what the files hold now; 0 for what is gone or no file. */
async function sizesOf(quarantine: string, changes: readonly Change[], signal?: AbortSignal): Promise<number[]> {
  const isFile = ({ new_oid, new_mode }: Change) => new_oid !== undefined && new_mode !== '160000';
  const input = Buffer.from(changes.map((change) => (isFile(change) ? `${change.new_oid}\n` : '')).join(''));
  const answer = await git(quarantine, ['cat-file', '--batch-check=%(objectsize)', '--buffer'], { input, signal });
  const sizes = answer.toString('latin1').split('\n').values();
  return changes.map((change) => (isFile(change) ? Number(sizes.next().value) : 0));
}

function textOf(name: string): string {
  return Buffer.from(name, 'latin1').toString('utf8');
}
