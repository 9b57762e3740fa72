import { join } from 'node:path';
import { BranchName, ObjectId } from '@countersign/contracts/names.ts';
import { lookAt } from '@countersign/kit/files.ts';
import { tryGit } from '../git/git.ts';
import { memoryLimits } from './memory-limits.ts';

/** `head` is null before the first commit. */
export type Checkout =
  | { readonly ok: true; readonly branch: string; readonly head: ObjectId | null }
  | { readonly ok: false; readonly reason: string };

const probe = { timeoutMs: memoryLimits.gitMs };
/** What git opens whatever it is asked; a named pipe or a link in the place of one would make it wait or look elsewhere. */
const readByGit = ['HEAD', 'config', 'config.worktree', 'packed-refs', 'shallow', 'index'];
const underWay = ['MERGE_HEAD', 'CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply', 'sequencer'];

/** Where a commit of ours would go to: the branch that is checked out. What the operator has under way there is left alone. */
export async function findCheckout(folder: string): Promise<Checkout> {
  const gitFolder = join(folder, '.git');
  if ((await lookAt(gitFolder))?.isDirectory() !== true) return refuse('memory/.git is no folder');
  for (const name of readByGit) {
    const stats = await lookAt(join(gitFolder, name));
    if (stats !== null && !stats.isFile()) return refuse(`memory/.git/${name} is no regular file`);
  }
  for (const name of ['objects', 'refs'])
    if ((await lookAt(join(gitFolder, name)))?.isDirectory() !== true)
      return refuse(`memory/.git/${name} is no folder`);
  if ((await lookAt(join(gitFolder, 'commondir'))) !== null) return refuse('memory/.git points to another repository');
  for (const name of underWay)
    if ((await lookAt(join(gitFolder, name))) !== null)
      return refuse(`a git operation is under way in memory/ (${name}); end it first`);

  const asked = ['rev-parse', '--show-toplevel', '--absolute-git-dir', '--show-object-format'];
  const answer = await tryGit(folder, asked, probe);
  const [topLevel, found, format] = answer.stdout.toString('utf8').split('\n');
  if (answer.exitCode !== 0 || topLevel !== folder || found !== gitFolder)
    return refuse(`memory/ is no git repository of its own: ${firstLine(answer.stderr || answer.cause)}`);
  if (format !== 'sha1') return refuse(`memory/ names its objects by ${format}, which this version does not write`);
  const unmerged = await tryGit(folder, ['ls-files', '--unmerged', '-z'], probe);
  if (unmerged.exitCode !== 0) return refuse(`memory/: ${firstLine(unmerged.stderr || unmerged.cause)}`);
  if (unmerged.stdout.length > 0) return refuse('memory/ holds conflicts that nobody has resolved yet');
  return findHead(folder);
}

async function findHead(folder: string): Promise<Checkout> {
  const symbolic = await tryGit(folder, ['symbolic-ref', '--quiet', 'HEAD'], probe);
  const branch = BranchName.safeParse(/^refs\/heads\/(.+)$/.exec(symbolic.stdout.toString('utf8').trimEnd())?.[1]);
  if (!branch.success) return refuse('memory/ has no branch checked out; mend it with: git switch main');
  const shown = await tryGit(folder, ['show-ref', '--verify', '--hash', '--', `refs/heads/${branch.data}`], probe);
  const head = ObjectId.safeParse(shown.stdout.toString('utf8').trim());
  if (shown.exitCode === 0 && head.success) return { ok: true, branch: branch.data, head: head.data };
  if (shown.exitCode === undefined) return refuse(`memory/: ${shown.cause}`);
  // A branch that cannot be read must not be taken for one that has no commit yet.
  const born = await tryGit(folder, ['rev-parse', '--quiet', '--verify', '--end-of-options', 'HEAD'], probe);
  const file = await lookAt(join(folder, '.git', 'refs', 'heads', branch.data));
  if (born.exitCode === 0 || file !== null) return refuse(`the branch ${branch.data} of memory/ cannot be read`);
  return { ok: true, branch: branch.data, head: null };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 300) ?? '';
}

function refuse(reason: string): Checkout {
  return { ok: false, reason };
}
