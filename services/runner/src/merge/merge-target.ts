import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import type { Repository } from '../git/repository.ts';

/** One branch of one repository that is to move from `base` to its descendant `head`. */
export type MergeTarget = {
  readonly repository: Repository;
  readonly branch: string;
  readonly base: ObjectId;
  readonly head: ObjectId;
};

/** Where a target's branch is written, as path parts below `.git`. */
export function refParts(branch: string): readonly string[] {
  const parts = branch.split('/');
  // git accepts no such branch; a name that got this far all the same must not become a path.
  assert(
    parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock')),
    'the branch is a ref name',
  );
  return ['refs', 'heads', ...parts];
}

export function gitFolder(repository: Repository): string {
  return join(repository.folder, '.git');
}

/** Every repository is changed once; its name is also that of its part of the scratch folder. */
export function assertDistinct(targets: readonly MergeTarget[]): void {
  assert(targets.length > 0, 'there is something to merge');
  for (const key of ['name', 'folder'] as const)
    assert(new Set(targets.map(({ repository }) => repository[key])).size === targets.length, 'each repository once');
}
