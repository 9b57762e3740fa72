import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Layout } from '../state/layout.ts';
import { withSuffix } from './file-name.ts';

/** Puts the saved copy of an ended task where its file lies, when the operator removed the file or put something else there. */
export async function keepCopy(layout: Layout, record: TaskRecord): Promise<void> {
  const path = layout.fileOf(record);
  const there = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (there?.isFile() === true) return;
  const target = there === null ? path : join(dirname(path), withSuffix(record.file, record.id));
  await writeFileAtomic(target, await readFile(join(layout.task(record.run, record.id), 'task.md')), 0o644);
}
