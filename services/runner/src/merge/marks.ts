import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';

/**
 * How far a merge of several repositories has come, in its scratch folder. Before `decided` no branch has moved, and all work
 * trees and new indexes are complete when it appears; from `merged` on only tidying is left.
 */
type Mark = 'decided' | 'merged';

export async function setMark(scratch: string, mark: Mark): Promise<void> {
  await writeFileAtomic(join(scratch, mark), '');
}

export function hasMark(scratch: string, mark: Mark): Promise<boolean> {
  return exists(join(scratch, mark));
}

export async function clearMarks(scratch: string): Promise<void> {
  for (const mark of ['merged', 'decided'] satisfies Mark[]) await rm(join(scratch, mark), { force: true });
  await syncFolder(scratch);
}
