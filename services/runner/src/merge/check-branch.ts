import { join } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { namesIn } from '@countersign/kit/files.ts';
import { tryGit } from '../git/git.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import { contains, readBranch } from './read-branch.ts';
import { hostGit, refusal } from './refusal.ts';
import { readSmallFile } from './small-file.ts';

const maximumCommits = 20;
/** A linked work tree that is worked on in one of these ways has the branch, whatever its HEAD says. */
const heldIn = ['rebase-merge/head-name', 'rebase-merge/update-refs', 'rebase-apply/head-name', 'BISECT_START'];

/** Refused as `moved`: the branch is not exactly where the work began, or is not a branch of its own. */
export async function checkPlace(target: MergeTarget): Promise<MergeRefusal | null> {
  const { repository, branch, base } = target;
  const state = await readBranch(repository, branch);
  if (state.kind === 'missing') {
    return refusal(target, 'moved', `branch ${branch} is gone`, hostGit(target, `branch '${branch}' ${base}`), [base]);
  }
  if (state.kind === 'link') {
    const mend = hostGit(target, `symbolic-ref --delete 'refs/heads/${branch}'`);
    return refusal(target, 'moved', `branch ${branch} is only another name`, mend, [state.link]);
  }
  if (state.commit === base) return null;
  const args = [
    'rev-list',
    `--max-count=${maximumCommits}`,
    '--no-commit-header',
    '--format=%h %s',
    '--end-of-options',
    `${base}..${state.commit}`,
  ];
  const listing = await tryGit(repository.folder, args, { timeoutMs: 60_000 });
  const commits = listing.stdout.toString('utf8').split('\n').filter(Boolean);
  const onward = await contains(repository, state, base);
  const what = onward
    ? `branch ${branch} has moved on since the work began`
    : `branch ${branch} was rewritten: it no longer holds the commit where the work began`;
  const log = hostGit(target, `log ${base}..'${branch}'`);
  return refusal(
    target,
    'moved',
    what,
    `${log}, then carry the work over to it with: countersign rebase <task>`,
    commits,
  );
}

/** Refused as `checked-out-elsewhere`: a linked work tree has the branch, or HEAD reaches it through another name. */
export async function checkOtherCheckouts(target: MergeTarget): Promise<MergeRefusal | null> {
  const root = join(gitFolder(target.repository), 'worktrees');
  const holders: string[] = [];
  for (const name of await namesIn(root)) {
    if (await holdsBranch(join(root, name), target)) holders.push(name);
  }
  if (holders.length === 0) return null;
  const mend = `${hostGit(target, 'worktree list')}, then ${hostGit(target, 'worktree remove PATH')} (or worktree prune)`;
  const what = `branch ${target.branch} is checked out in another work tree`;
  return refusal(target, 'checked-out-elsewhere', what, mend, holders);
}

/** Whether the work tree with this git folder has the branch checked out, is rebasing it, or will go back to it. */
async function holdsBranch(folder: string, target: MergeTarget): Promise<boolean> {
  const head = await readSmallFile(join(folder, 'HEAD'));
  const named = branchOf(head);
  // A HEAD that is a link, as very old versions of git made them, is not followed: it may be any branch.
  return (
    head === '' ||
    named === target.branch ||
    (await reaches(target, named)) ||
    (await isWorkedOn(folder, target.branch))
  );
}

/** A rebase or a bisection that began on the branch will go back to it. */
export async function isWorkedOn(folder: string, branch: string): Promise<boolean> {
  for (const name of heldIn) {
    const lines = (await readSmallFile(join(folder, name)))?.split('\n') ?? [];
    if (lines.includes(`refs/heads/${branch}`) || lines.includes(branch)) return true;
  }
  return false;
}

/** Whether the branch is what HEAD of the main work tree names; a refusal when it does so only through another name. */
export async function checkHead(target: MergeTarget): Promise<{ follows: boolean; refusal: MergeRefusal | null }> {
  const text = await readSmallFile(join(gitFolder(target.repository), 'HEAD'));
  const named = branchOf(text);
  if (named === target.branch) return { follows: true, refusal: null };
  const plain = named !== null || /^[0-9a-f]{40,64}\n?$/.test(text ?? '');
  if (plain && !(await reaches(target, named))) return { follows: false, refusal: null };
  const mend = hostGit(target, `switch '${target.branch}'`);
  const what = `HEAD does not say plainly what is checked out in workspaces/${target.repository.path}`;
  return { follows: false, refusal: refusal(target, 'checked-out-elsewhere', what, mend, [named ?? 'HEAD']) };
}

async function reaches(target: MergeTarget, named: string | null): Promise<boolean> {
  if (named === null || named === target.branch) return false;
  const state = await readBranch(target.repository, named);
  return state.kind === 'link' && state.link === `refs/heads/${target.branch}`;
}

function branchOf(head: string | null): string | null {
  return /^ref: refs\/heads\/([^\n]+)\n?$/.exec(head ?? '')?.[1] ?? null;
}
