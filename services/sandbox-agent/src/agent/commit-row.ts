import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, type GitOptions, gitAnswer, repositoryAt } from '../git.ts';
import { type CommitObject, parseCommit } from './commit-object.ts';
import { agentLimits } from './limits.ts';

/** The commits `from..head`, which are to come upon `baseHead`. */
export type Span = { readonly baseHead: string; readonly from: string; readonly head: string };
type Step = { readonly id: string; readonly commit: CommitObject; readonly parent: string };
/** `whole`: each commit is a step of its own, the oldest first. Otherwise there is one step for all of them. */
export type Row = { readonly steps: readonly Step[]; readonly baseTree: string; readonly whole: boolean };

const idBytes = 65;

/**
 * Reads the row of first parents from `head` back to `from`, or to `baseHead` where that is a part of it.
 * @param scratch a folder for a list
 * @throws GitError
 */
export async function readRow(folder: string, span: Span, scratch: string, options: () => GitOptions): Promise<Row> {
  const { baseHead, from, head } = span;
  const listed = await listRow(folder, span, options());
  const base = listed.indexOf(baseHead);
  const ids = base === -1 ? listed : listed.slice(0, base);
  const isLong = ids.length > agentLimits.carriedCommits;
  const [baseCommit, ...commits] = await readCommits(
    folder,
    [baseHead, ...(isLong ? [head] : ids)],
    scratch,
    options(),
  );
  const baseTree = baseCommit?.tree ?? '';
  const below = base === -1 ? commits.at(-1)?.firstParent : baseHead;
  const [newest] = commits;
  if (newest !== undefined && (isLong || (base === -1 && below !== from)))
    return { steps: [{ id: head, commit: newest, parent: from }], baseTree, whole: false };
  const steps = commits.map((commit, index) => ({
    id: ids[index] ?? '',
    commit,
    parent: ids[index + 1] ?? below ?? '',
  }));
  return { steps: steps.reverse(), baseTree, whole: true };
}

/** One more than are carried over shows that there are too many. The history was cut at `from` and at `baseHead`. */
async function listRow(folder: string, { from, head }: Span, options: GitOptions): Promise<string[]> {
  const limit = agentLimits.carriedCommits + 1;
  const args = ['rev-list', '--first-parent', `--max-count=${limit}`, head, `^${from}`, '--'];
  const answer = await gitAnswer(folder, repositoryAt(folder), args, options, limit * idBytes);
  if (answer.code !== 0) throw new GitError('rev-list', answer.stderr);
  return answer.stdout.toString('latin1').split('\n').filter(Boolean);
}

async function readCommits(
  folder: string,
  ids: readonly string[],
  scratch: string,
  options: GitOptions,
): Promise<CommitObject[]> {
  const list = join(scratch, 'commits');
  await writeFile(list, ids.map((id) => `${id}\n`).join(''));
  const stdin = await open(list, 'r');
  try {
    const read = { ...options, stdin: stdin.fd };
    const args = ['cat-file', '--batch'];
    const answer = await gitAnswer(folder, repositoryAt(folder), args, read, agentLimits.commitBytes);
    if (answer.code !== 0) throw new GitError('cat-file', answer.stderr);
    if (answer.cut) throw new GitError('cat-file', `the commits have more than ${agentLimits.commitBytes} bytes`);
    return splitBatch(answer.stdout, ids.length);
  } finally {
    await stdin.close();
  }
}

/** `<id> commit <bytes>`, a line feed, the commit, a line feed; for each. */
function splitBatch(output: Buffer, count: number): CommitObject[] {
  const commits: CommitObject[] = [];
  for (let offset = 0; commits.length < count; ) {
    const end = output.indexOf('\n', offset);
    const header = output.toString('latin1', offset, Math.max(offset, end));
    const bytes = /^[0-9a-f]+ commit (\d+)$/.exec(header)?.[1];
    if (bytes === undefined) throw new GitError('cat-file', `no commit: ${header}`);
    const start = end + 1;
    commits.push(parseCommit(output.subarray(start, start + Number(bytes))));
    offset = start + Number(bytes) + 1;
  }
  return commits;
}
