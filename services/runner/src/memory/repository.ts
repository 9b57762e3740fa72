import { realpath } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { GitError } from '../git/git.ts';
import { OneAtATime } from '../work/one-at-a-time.ts';
import { type Checkout, findCheckout } from './find-checkout.ts';
import { findHandEdits } from './hand-edits.ts';
import { type MadeChanges, type MemoryChange, makeChanges } from './make-changes.ts';
import { makeRepository } from './make-repository.ts';
import { memoryLimits } from './memory-limits.ts';
import { applyPending, type PendingCommit, readPending, savePending, withoutUnmade } from './pending.ts';
import { readTree } from './read-tree.ts';
import { replaceFile } from './replace-file.ts';
import { createScanner, type Scanned, type Tree } from './scan-files.ts';
import { tidyObjects } from './tidy-objects.ts';
import { writeBlobs, writeCommits } from './write-commits.ts';
import { beginWriting, endWriting } from './write-lock.ts';

/**
 * `kept`: the files hold the change, its commit follows with a later one. `not-made`: not everything was changed; ask again later.
 * `reason` is for people and says what is in the way.
 */
export type Saved =
  | { readonly status: 'committed' }
  | { readonly status: 'kept' | 'not-made'; readonly reason: string };

export type MemoryRepository = {
  /** Absolute, without a link in it. */
  readonly folder: string;
  /** Whether nothing was committed yet when it was opened. */
  readonly isNew: boolean;
  /** Takes over what was edited by hand, then makes the changes, each as a commit of its own; one without effect is none. */
  change(changes: readonly MemoryChange[]): Promise<Saved>;
  /** What lies in the folder and is not taken in, and why, as the last change saw it. */
  ignored(): readonly string[];
};

type Branch = Checkout & { readonly ok: true };

/**
 * The repository in the memory's folder, made where there is none. Invariants: a change is remembered before its file is written
 * and until it is committed, so that after a death at any point it is made as ours or not at all; whatever else differs from
 * what is committed was edited by hand, and becomes a commit before ours. The operator may use git in the folder at any time.
 * @param waitMs how long a lock of the operator's git is waited for
 * @throws GitError when the repository cannot be made
 */
export async function openMemoryRepository(
  place: string,
  now: () => Date,
  waitMs: number = memoryLimits.lockWaitMs,
): Promise<MemoryRepository> {
  const folder = await realpath(place);
  await makeRepository(folder);
  const first = await findCheckout(folder);
  const scan = createScanner(folder);
  const alone = new OneAtATime();
  /** Null until what an earlier life left was read. */
  let pending: readonly PendingCommit[] | null = null;
  let known: { readonly head: ObjectId | null; readonly tree: Tree } | null = null;
  let ignored: readonly string[] = [];
  let uncounted: number = memoryLimits.commitsBetweenCounts;

  async function treeOf(head: ObjectId | null): Promise<Tree> {
    if (known?.head !== head) known = null;
    known ??= { head, tree: await readTree(folder, head) };
    return known.tree;
  }

  async function recall({ files }: Scanned): Promise<readonly PendingCommit[]> {
    if (pending !== null) return pending;
    const left = await readPending(folder);
    const made = withoutUnmade(left, files);
    if (left.length > 0) await savePending(folder, made);
    pending = made;
    return made;
  }

  async function remember(commits: readonly PendingCommit[]): Promise<void> {
    await savePending(folder, commits);
    pending = commits;
  }

  async function change(changes: readonly MemoryChange[]): Promise<Saved> {
    const checkout = await findCheckout(folder);
    if (!checkout.ok) return { status: 'not-made', reason: checkout.reason };
    const scanned = await scan();
    ignored = scanned.ignored;
    const waiting = await recall(scanned);
    const at = now().toISOString();
    const { tree } = applyPending(await treeOf(checkout.head), waiting);
    const byHand = await findHandEdits(folder, scanned.files, tree, at);
    const made = await makeChanges(folder, changes, at);
    await writeBlobs(folder, [...(byHand?.blobs ?? []), ...made.blobs]);
    const all = [...waiting, ...(byHand === null ? [] : [byHand.commit]), ...made.commits];
    if (all.length === 0) return savedUnless(made.unfit, { status: 'committed' });
    await remember(all);
    const refused = await writeFiles(made);
    if (refused.length > 0) await remember(all.flatMap((entry) => without(entry, made, refused)));
    return savedUnless([...refused, ...made.unfit], await commitPatiently(checkout));
  }

  async function writeFiles({ files }: MadeChanges): Promise<string[]> {
    const refused: string[] = [];
    for (const [path, { bytes, read }] of files)
      if (!(await replaceFile(folder, path, bytes, read?.stamp ?? null, read?.mode))) refused.push(path);
    return refused;
  }

  async function commitPatiently(branch: Branch): Promise<Saved> {
    const end = Date.now() + waitMs;
    for (let latest: Checkout = branch; ; latest = await findCheckout(folder)) {
      if (!latest.ok) return { status: 'kept', reason: latest.reason };
      const saved = await commitOnce(latest);
      if (saved.status !== 'kept' || Date.now() >= end) return saved;
      await wait(memoryLimits.lockRetryMs);
    }
  }

  /** What is `kept` passes by itself. */
  async function commitOnce({ branch, head }: Branch): Promise<Saved> {
    const { commits } = applyPending(await treeOf(head), pending ?? []);
    if (commits.length > 0) {
      const left = await beginWriting(folder, branch, now());
      if (left !== null) return { status: 'kept', reason: left };
      const written = await writeCommits(folder, branch, head, commits);
      if (written.status === 'written' || written.ended) await endWriting(folder);
      if (written.status === 'locked' || written.status === 'moved') return { status: 'kept', reason: written.reason };
      if (written.status === 'failed') {
        // A clean-up of the operator's may have taken the objects away: they are made anew from the files, the next time.
        await remember([]);
        return { status: 'not-made', reason: written.reason };
      }
      uncounted += commits.length;
    }
    await remember([]);
    if (uncounted >= memoryLimits.commitsBetweenCounts) {
      uncounted = 0;
      await tidyObjects(folder);
    }
    return { status: 'committed' };
  }

  return {
    folder,
    isNew: first.ok && first.head === null,
    change: (changes) => alone.run(() => change(changes).catch(gitRefused)),
    ignored: () => ignored,
  };
}

function gitRefused(error: unknown): Saved {
  if (!(error instanceof GitError)) throw error;
  return { status: 'not-made', reason: error.message };
}

function without(entry: PendingCommit, made: MadeChanges, paths: readonly string[]): PendingCommit[] {
  if (!made.commits.includes(entry)) return [entry];
  const files = entry.files.filter(({ path }) => !paths.includes(path));
  return files.length === 0 ? [] : [{ ...entry, files }];
}

function savedUnless(unwritten: readonly string[], saved: Saved): Saved {
  if (unwritten.length === 0) return saved;
  const names = unwritten.map((path) => `memory/${path}`).join(', ');
  return { status: 'not-made', reason: `${names}: changed at the same moment, or not a regular file` };
}
