import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Timestamp } from '@countersign/contracts/names.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import { memoryLimits } from './memory-limits.ts';
import { isMemoryPath } from './memory-path.ts';
import { readMaterial } from './read-material.ts';
import type { Tree } from './scan-files.ts';

const BlobId = z.string().regex(/^[0-9a-f]{40}$/);

/** A change that is to become a commit. Each file is compared and swapped: it counts only where `before` is what is committed. */
export const PendingCommit = z.strictObject({
  author: z.enum(['runner', 'operator']),
  message: z.string().max(20_000),
  at: Timestamp,
  files: z.array(
    z.strictObject({
      path: z.string().refine(isMemoryPath),
      /** Null: there is no such file. Anything that is no name of bytes is a link or a folder in the file's place. */
      before: z.string().max(64).nullable(),
      after: BlobId.nullable(),
    }),
  ),
});
export type PendingCommit = z.infer<typeof PendingCommit>;

const Pending = z.strictObject({
  version: z.literal(1),
  commits: z.array(PendingCommit).max(memoryLimits.pendingCommits),
});
const fileName = 'countersign-pending.json';
const fileBytes = 64 * 1024 * 1024;

/** What an earlier life meant to commit. One that cannot be read says nothing: the files themselves are the truth. */
export async function readPending(folder: string): Promise<readonly PendingCommit[]> {
  const read = await readMaterial(join(folder, '.git', fileName), fileBytes);
  if (read.status !== 'read') return [];
  try {
    return Pending.parse(JSON.parse(read.material.bytes.toString('utf8'))).commits;
  } catch {
    return [];
  }
}

export async function savePending(folder: string, commits: readonly PendingCommit[]): Promise<void> {
  const path = join(folder, '.git', fileName);
  // More than fit are not remembered as ours; their files are taken over like an edit by hand.
  if (commits.length === 0 || commits.length > memoryLimits.pendingCommits) await unlink(path).catch(() => undefined);
  else await writeFileAtomic(path, JSON.stringify({ version: 1, commits }));
}

/** What is left to commit upon a tree, and the tree that this leads to. */
export function applyPending(
  tree: Tree,
  commits: readonly PendingCommit[],
): { readonly commits: readonly PendingCommit[]; readonly tree: Tree } {
  const result = new Map(tree);
  const effective = commits.flatMap((commit): PendingCommit[] => {
    const files = commit.files.filter(({ path, before, after }) => {
      const current = result.get(path) ?? null;
      if (current !== before || current === after) return false;
      if (after === null) result.delete(path);
      else result.set(path, after);
      return true;
    });
    return files.length === 0 ? [] : [{ ...commit, files }];
  });
  return { commits: effective, tree: result };
}

/**
 * Without those changes that never came into their file, for the death was between the two: where a file still holds what was
 * there before a change, the change and all later ones of this file are dropped.
 */
export function withoutUnmade(commits: readonly PendingCommit[], files: Tree): readonly PendingCommit[] {
  const firstUnmade = new Map<string, number>();
  for (const [number, commit] of commits.entries())
    for (const { path, before, after } of commit.files) {
      const current = files.get(path) ?? null;
      if (current === after) firstUnmade.delete(path);
      else if (current === before && !firstUnmade.has(path)) firstUnmade.set(path, number);
    }
  return commits.flatMap((commit, number): PendingCommit[] => {
    const made = commit.files.filter(({ path }) => number < (firstUnmade.get(path) ?? Number.POSITIVE_INFINITY));
    return made.length === 0 ? [] : [{ ...commit, files: made }];
  });
}
