import { type View, viewGit } from './view.ts';

/** Paths that are not as the view's HEAD has them: in the index, in the work tree against the index, or unmerged. */
export type Status = {
  readonly staged: readonly string[];
  readonly changed: readonly string[];
  readonly unmerged: readonly string[];
};

const fieldsBefore = { '1': 8, u: 10 } as const;

/** Untracked files are not asked for. @throws GitError */
export async function readStatus(view: View): Promise<Status> {
  const args = ['status', '--porcelain=v2', '-z', '--untracked-files=no', '--ignore-submodules=all', '--no-renames'];
  const staged: string[] = [];
  const changed: string[] = [];
  const unmerged: string[] = [];
  for (const record of (await viewGit(view, args)).toString('utf8').split('\0')) {
    const kind = record[0];
    if (kind !== '1' && kind !== 'u') continue;
    const path = record.split(' ').slice(fieldsBefore[kind]).join(' ');
    if (kind === 'u') unmerged.push(path);
    else if (record[2] !== '.') staged.push(path);
    else changed.push(path);
  }
  return { staged, changed, unmerged };
}
