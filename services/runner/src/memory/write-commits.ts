import { Buffer } from 'node:buffer';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import type { Finished } from '../adapters/process.ts';
import { git, tryGit } from '../git/git.ts';
import { memoryLimits } from './memory-limits.ts';
import type { PendingCommit } from './pending.ts';

/** `locked` and `moved` pass by themselves; `ended` tells whether git came to its own end, and so left no lock behind. */
export type Written =
  | { readonly status: 'written' }
  | { readonly status: 'locked' | 'moved' | 'failed'; readonly reason: string; readonly ended: boolean };

const persons = {
  runner: 'Countersign <countersign@localhost>',
  operator: 'Operator <operator@localhost>',
} as const satisfies Record<PendingCommit['author'], string>;

/**
 * Puts bytes into the object store exactly as they are. `git add` would send them through whatever `.gitattributes` and the
 * configuration name as a filter; this stream knows of none. @throws GitError
 */
export async function writeBlobs(folder: string, blobs: readonly Uint8Array[]): Promise<void> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  const send = async () => {
    if (batch.length === 0) return;
    const input = Buffer.concat([
      ...batch.flatMap((blob) => [Buffer.from(`blob\ndata ${blob.length}\n`), blob, Buffer.from('\n')]),
      Buffer.from('done\n'),
    ]);
    batch = [];
    bytes = 0;
    await git(folder, ['fast-import', '--quiet', '--done'], { input, timeoutMs: memoryLimits.gitMs });
  };
  for (const blob of blobs) {
    batch.push(blob);
    bytes += blob.length;
    if (bytes >= memoryLimits.blobBatchBytes) await send();
  }
  await send();
}

/**
 * Adds commits to a branch, if it is still at `head`. The operator's index learns of the files first: the other way round, their
 * next commit would undo ours. Nothing else in the index, and nothing in the folder, is touched.
 * @param commits oldest first; each with at least one file, whose bytes are in the object store
 */
export async function writeCommits(
  folder: string,
  branch: string,
  head: ObjectId | null,
  commits: readonly PendingCommit[],
): Promise<Written> {
  const last = new Map(commits.flatMap(({ files }) => files.map(({ path, after }) => [path, after] as const)));
  const entries = [...last].map(([path, id]) => `${id === null ? `0 ${'0'.repeat(40)}` : `100644 ${id}`}\t${path}\0`);
  const index = await tryGit(folder, ['update-index', '-z', '--add', '--remove', '--replace', '--index-info'], {
    input: Buffer.from(entries.join('')),
    timeoutMs: memoryLimits.gitMs,
  });
  if (index.exitCode !== 0) return failed(index);
  const stream = commits.map((commit, number) => commitText(commit, branch, number === 0 ? head : null));
  const imported = await tryGit(folder, ['fast-import', '--quiet', '--done', '--date-format=raw'], {
    input: Buffer.from(`${stream.join('')}done\n`),
    timeoutMs: memoryLimits.gitMs,
  });
  return imported.exitCode === 0 ? { status: 'written' } : failed(imported);
}

function commitText({ author, message, at, files }: PendingCommit, branch: string, from: ObjectId | null): string {
  const when = `${Math.floor(Date.parse(at) / 1_000)} +0000`;
  const text = `${message.split('\n').map(inertLine).join('\n')}\n`;
  return [
    `commit refs/heads/${branch}`,
    `author ${persons[author]} ${when}`,
    `committer ${persons.runner} ${when}`,
    `data ${Buffer.byteLength(text)}`,
    `${text}${from === null ? '' : `from ${from}`}`,
    ...files.map(({ path, after }) => (after === null ? `D ${path}` : `M 100644 ${after} ${path}`)),
    '',
    '',
  ].join('\n');
}

function failed({ stderr, cause, exitCode }: Finished): Written {
  const reason = (stderr.trim() || cause).slice(0, 1_000);
  const status = /\.lock': File exists/.test(reason)
    ? 'locked'
    : /does not contain|but expected/.test(reason)
      ? 'moved'
      : 'failed';
  return { status, reason, ended: exitCode !== undefined };
}
