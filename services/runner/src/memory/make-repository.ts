import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt, writeFileAtomic } from '@countersign/kit/files.ts';
import { git } from '../git/git.ts';
import { memoryLimits } from './memory-limits.ts';

/** Makes the folder a repository where it is none; safe to repeat after a death in the middle of it. @throws GitError */
export async function makeRepository(folder: string): Promise<void> {
  const found = await lookAt(join(folder, '.git'));
  // Something else in its place is the operator's, and said by whoever looks at the checkout.
  if (found !== null && !found.isDirectory()) return;
  const parts = ['HEAD', 'config', 'refs', 'objects'];
  const there = await Promise.all(parts.map((name) => lookAt(join(folder, '.git', name))));
  if (there.every((stats) => stats !== null)) return;
  const options = { timeoutMs: memoryLimits.gitMs };
  await git(folder, ['init', '--quiet', '--initial-branch=main', '--template='], options);
  // A file here is worth no more than its history: by default git leaves small objects to the operating system's mercy.
  await git(folder, ['config', 'core.fsync', 'all'], options);
  // What a write that a death cut short leaves behind is nothing to commit.
  await mkdir(join(folder, '.git', 'info'), { recursive: true });
  await writeFileAtomic(join(folder, '.git', 'info', 'exclude'), '.*.tmp\n', 0o644);
}
