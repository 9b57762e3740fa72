import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { buildIndex, indexState } from './build-index.ts';
import { changeWorkTree } from './change-work-tree.ts';
import { checkHead, checkOtherCheckouts, checkPlace } from './check-branch.ts';
import { checkStatus } from './check-checkout.ts';
import { type Examined, examineTarget } from './examine-target.ts';
import { fetchContents } from './fetch-contents.ts';
import { holdsLocks, takeLocks } from './locks.ts';
import { assertDistinct, type MergeTarget } from './merge-target.ts';
import { hostGit, hostMerge, refusal } from './refusal.ts';
import type { Step } from './replace-path.ts';
import { readStatus } from './status.ts';
import { openStore } from './store.ts';
import { setViewHead, type View } from './view.ts';

/** Ready to decide: `followers` are the targets whose work tree has been changed, with the view that holds the index for it. */
type Prepared =
  | { readonly ok: true; readonly followers: ReadonlyMap<MergeTarget, View> }
  | { readonly ok: false; readonly refusals: readonly MergeRefusal[] };

/** What a file system answers where only the operator, on the host, can write. */
const unwritable = ['EXDEV', 'EPERM', 'EACCES', 'EROFS', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'ENAMETOOLONG'];

/**
 * Everything before the decision.
 * @param opened gets each target in whose repository something was begun, that is: has to be taken back
 */
export async function prepareMerge(
  targets: readonly MergeTarget[],
  scratch: string,
  opened: MergeTarget[],
  at: Step,
): Promise<Prepared> {
  assertDistinct(targets);
  const examined = new Map<MergeTarget, Examined>();
  const indexes = new Map<MergeTarget, string>();
  const look = async (target: MergeTarget) => {
    const found = await examineTarget(target, scratch, examined.get(target)?.changes);
    examined.set(target, found);
    return found;
  };
  // All of them are looked at before anything is begun, so that everything that is in the way is told at once.
  const refusals: MergeRefusal[] = [];
  for (const target of targets)
    refusals.push(...(await inEach([target], scratch, async () => (await look(target)).refusals)));
  if (refusals.length > 0) return { ok: false, refusals };
  await at('checked');

  const phases: readonly ((target: MergeTarget) => Promise<readonly MergeRefusal[]>)[] = [
    async (target) => {
      if (!(await openStore(target))) return [unfinished(target)];
      opened.push(target);
      await at(`opened ${target.repository.name}`);
      const { follows, view, changes } = known(examined, target);
      if (follows) await fetchContents(target, view, changes);
      await at(`fetched ${target.repository.name}`);
      return [];
    },
    async (target) => {
      const lock = await takeLocks(target);
      await at(`locked ${target.repository.name}`);
      return lock === null ? [] : [locked(target, lock)];
    },
    async (target) => {
      const before = known(examined, target).follows;
      const now = await look(target);
      if (now.refusals.length > 0 || now.follows === before) return now.refusals;
      const what = 'another branch was checked out at this moment';
      return [refusal(target, 'dirty', what, `${hostGit(target, 'status')}, then merging again`, ['HEAD'])];
    },
    async (target) => {
      const { follows, changes, settings } = known(examined, target);
      await at(`checked ${target.repository.name} again`);
      return follows ? changeWorkTree(target, changes, settings.fileMode, at) : [];
    },
    async (target) => {
      const { follows, view, changes } = known(examined, target);
      if (!follows) return [];
      indexes.set(target, await indexState(target));
      await buildIndex(target, view, changes);
      await setViewHead(view, target.head);
      await at(`index of ${target.repository.name} made`);
      return [];
    },
    async (target) => {
      const { follows, view } = known(examined, target);
      const head = await checkHead(target);
      const others = [await checkPlace(target), head.refusal, await checkOtherCheckouts(target)];
      const disturbed =
        !(await holdsLocks(target)) ||
        head.follows !== follows ||
        (follows && indexes.get(target) !== (await indexState(target)));
      if (disturbed) others.push(locked(target, 'index.lock'));
      const status = follows ? checkStatus(target, await readStatus(view)) : [];
      return [...others.filter((one) => one !== null), ...status];
    },
  ];
  for (const phase of phases) {
    const found = await inEach(targets, scratch, phase);
    if (found.length > 0) return { ok: false, refusals: found };
  }
  const followers = [...examined.values()].filter(({ follows }) => follows);
  return { ok: true, followers: new Map(followers.map(({ target, view }) => [target, view])) };
}

async function inEach(
  targets: readonly MergeTarget[],
  scratch: string,
  phase: (target: MergeTarget) => Promise<readonly MergeRefusal[]>,
): Promise<readonly MergeRefusal[]> {
  for (const target of targets) {
    try {
      const refusals = await phase(target);
      if (refusals.length > 0) return refusals;
    } catch (error) {
      const code = codeOfUnwritable(error, scratch);
      if (code === null) throw error;
      return [refusal(target, 'filters', `files cannot be replaced from here (${code})`, hostMerge(target))];
    }
  }
  return [];
}

/** Null for every other error, and for one of the runner's own folder, which says nothing of the repository. */
function codeOfUnwritable(error: unknown, scratch: string): string | null {
  const { code, path, dest } = error as NodeJS.ErrnoException & { readonly dest?: string };
  const isOwn = (dest ?? path)?.startsWith(`${scratch}/`) === true;
  return code !== undefined && unwritable.includes(code) && !isOwn ? code : null;
}

function known(examined: ReadonlyMap<MergeTarget, Examined>, target: MergeTarget): Examined {
  const one = examined.get(target);
  if (one === undefined) throw new TypeError('every target has been examined');
  return one;
}

/** Refused as `dirty`: a merge was interrupted, and has to be ended first. */
export function unfinished(target: MergeTarget): MergeRefusal {
  const what = `an earlier merge has not ended in workspaces/${target.repository.path}`;
  return refusal(target, 'dirty', what, 'docker compose restart runner, which ends it', ['countersign-merge']);
}

function locked(target: MergeTarget, lock: string): MergeRefusal {
  const what = `another git command was at work in workspaces/${target.repository.path}`;
  return refusal(target, 'dirty', what, `${hostGit(target, 'status')}, then merging again`, [lock]);
}
