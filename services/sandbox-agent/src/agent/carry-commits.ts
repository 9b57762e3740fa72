import { type GitOptions, gitMaybe, repositoryAt } from '../git.ts';
import { bareCommit, carriedCommit } from './commit-object.ts';
import { readRow, type Span } from './commit-row.ts';
import { mergeCommits } from './merge-commits.ts';
import { storeCommits } from './store-commits.ts';

/** What became of a repository's commits. */
export type Carried =
  | { readonly kind: 'carried'; readonly head: string; readonly note: string | undefined }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/**
 * Carries the commits `from..head` over to `baseHead`, one after the other, each with its author, dates and message. A commit
 * that would change nothing there is dropped. Of a merge, what it brought to its first parent becomes one commit. Where the row
 * of first parents does not lead back to `from`, or is very long, everything becomes a single commit.
 *
 * Nothing is checked out, so no filter, hook, editor or merge driver has a part in it; attributes can choose among the drivers
 * that are built into git. git takes a merge's base from history alone: what there is so far is therefore given to it as a
 * commit upon the parent of the commit that comes next.
 * @param scratch a folder for texts in between
 * @param options fresh ones for each git command
 * @throws GitError
 */
export async function carryCommits(
  folder: string,
  span: Span,
  scratch: string,
  options: () => GitOptions,
): Promise<Carried> {
  const store = (...commits: readonly Buffer[]) => storeCommits(folder, commits, scratch, options());
  await showAttributes(folder, span.baseHead, options());
  const { steps, baseTree, whole } = await readRow(folder, span, scratch, options);
  let head = span.baseHead;
  let tree = baseTree;
  let ours: string | undefined;
  let dropped = 0;
  for (const [index, { id, commit, parent }] of steps.entries()) {
    if (parent === head) {
      head = id;
      tree = commit.tree;
      continue;
    }
    if (ours === undefined) [ours = ''] = await store(bareCommit(tree, parent));
    const merged = await mergeCommits(folder, ours, id, options());
    if (!merged.ok) return { kind: 'conflict', files: merged.files };
    if (merged.tree === tree) {
      dropped += 1;
      ours = undefined;
      continue;
    }
    tree = merged.tree;
    const carried = carriedCommit(commit, tree, head, Math.floor(Date.now() / 1000));
    const next = steps[index + 1];
    [head = '', ours] = await store(carried, ...(next === undefined ? [] : [bareCommit(tree, next.parent)]));
  }
  return { kind: 'carried', head, note: noteOf(head === span.baseHead, dropped, steps.length, whole) };
}

function noteOf(nothing: boolean, dropped: number, all: number, whole: boolean): string | undefined {
  if (nothing) return 'the branch holds the change already';
  if (!whole) return 'its commits were carried over as one';
  return dropped === 0 ? undefined : `the branch holds ${dropped} of its ${all} commits already`;
}

/** git looks for attributes in the work tree; of the base's files, these alone are laid out there. */
async function showAttributes(folder: string, baseHead: string, options: GitOptions): Promise<void> {
  const args = ['checkout', '-q', baseHead, '--', ':(top,glob)**/.gitattributes'];
  // Refused when there are none.
  await gitMaybe(folder, repositoryAt(folder), args, options);
}
