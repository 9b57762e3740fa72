import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { Change } from './changes.ts';
import type { MergeTarget } from './merge-target.ts';
import { hostGit, refusal } from './refusal.ts';
import type { Status } from './status.ts';
import { type View, viewGit } from './view.ts';

/** Refused as `dirty`: work of somebody's in the index or in tracked files. */
export function checkStatus(target: MergeTarget, status: Status): readonly MergeRefusal[] {
  const { staged, changed, unmerged } = status;
  const place = `in workspaces/${target.repository.path}`;
  const stash = `${hostGit(target, 'status')}, then ${hostGit(target, 'stash')} or a commit on another branch`;
  const kinds = [
    [unmerged, `unmerged files ${place}`, hostGit(target, 'merge --abort')],
    [staged, `staged changes ${place}`, stash],
    [changed, `changed files ${place}`, stash],
  ] as const;
  return kinds.flatMap(([names, what, mend]) =>
    names.length === 0 ? [] : [refusal(target, 'dirty', what, mend, names)],
  );
}

/** What the index says beside the files themselves. */
export type IndexFlags = {
  readonly assumed: readonly string[];
  readonly skipped: readonly string[];
  readonly attributes: boolean;
};

/** @throws GitError */
export async function readIndexFlags(view: View): Promise<IndexFlags> {
  const assumed: string[] = [];
  const skipped: string[] = [];
  let attributes = false;
  for (const entry of (await viewGit(view, ['ls-files', '-v', '-z'])).toString('utf8').split('\0')) {
    const tag = entry[0] ?? '';
    const path = entry.slice(2);
    if (path === '.gitattributes' || path.endsWith('/.gitattributes')) attributes = true;
    if (tag === 'S' || tag === 's') skipped.push(path);
    if (tag !== tag.toUpperCase()) assumed.push(path);
  }
  return { assumed, skipped, attributes };
}

/** Refused as `dirty`: git was told not to look at a file that the merge would write. */
export function checkFlags(
  target: MergeTarget,
  flags: IndexFlags,
  changes: readonly Change[],
): readonly MergeRefusal[] {
  const written = new Set(changes.map(({ path }) => path));
  const kinds = [
    [flags.assumed, 'files that git assumes to be unchanged', '--no-assume-unchanged'],
    [flags.skipped, 'files that the work tree leaves out', '--no-skip-worktree'],
  ] as const;
  return kinds.flatMap(([paths, what, option]) => {
    const names = paths.filter((path) => written.has(path));
    const mend = hostGit(target, `update-index ${option} -- FILE`);
    return names.length === 0 ? [] : [refusal(target, 'dirty', what, mend, names)];
  });
}
