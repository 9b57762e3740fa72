import { agentIdentity } from '../repository-config.ts';

/** A commit as git stores it, as far as carrying it over needs. Its bytes are kept as Latin-1, so that nothing is re-encoded. */
export type CommitObject = {
  readonly tree: string;
  readonly firstParent: string | undefined;
  /** `author` and `encoding` as they stand; signatures and what else there is do not fit another commit. */
  readonly kept: readonly string[];
  readonly message: string;
};

/** @param stored what `git cat-file commit` prints, from a repository whose commits were checked when they were imported */
export function parseCommit(stored: Buffer): CommitObject {
  const text = stored.toString('latin1');
  const end = text.indexOf('\n\n');
  const header = (end === -1 ? text : text.slice(0, end)).split('\n');
  const headerValue = (name: string) => header.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  return {
    tree: headerValue('tree') ?? '',
    firstParent: headerValue('parent'),
    kept: header
      .filter((line) => line.startsWith('author '))
      .concat(header.filter((line) => line.startsWith('encoding '))),
    message: end === -1 ? '' : text.slice(end + 2),
  };
}

/**
 * The same author, dates and message upon another parent, committed by us.
 * @param committedAt seconds since 1970
 */
export function carriedCommit(commit: CommitObject, tree: string, parent: string, committedAt: number): Buffer {
  const [author = '', ...encoding] = commit.kept;
  const header = [
    `tree ${tree}`,
    `parent ${parent}`,
    author,
    `committer ${agentIdentity} ${committedAt} +0000`,
    ...encoding,
  ];
  return Buffer.from(`${header.join('\n')}\n\n${commit.message}`, 'latin1');
}

/** A commit that stands for nothing but a tree upon a parent. */
export function bareCommit(tree: string, parent: string): Buffer {
  const header = [`tree ${tree}`, `parent ${parent}`, `author ${agentIdentity} 0 +0000`];
  return Buffer.from(`${[...header, `committer ${agentIdentity} 0 +0000`].join('\n')}\n\n`, 'latin1');
}
