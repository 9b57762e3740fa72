import { posix } from 'node:path';
import { isGitFolder } from './fold-name.ts';
import { git } from './git.ts';

/** A symbolic link that a result brings; the blob `oid` holds its target. */
export type Link = { readonly name: string; readonly oid: string };

const maximumLinks = 1_000;
/** What Linux lets a path have, in bytes. */
const maximumTargetBytes = 4_096;

/** Why one of the links must not be taken, or null: it leads out of the repository, or into `.git`. @throws GitError */
export async function checkLinks(folder: string, links: readonly Link[]): Promise<string | null> {
  if (links.length === 0) return null;
  if (links.length > maximumLinks) return `the result brings more than ${maximumLinks} symbolic links`;
  const oids = Buffer.from(links.map(({ oid }) => `${oid}\n`).join(''));
  const sizes = (await git(folder, ['cat-file', '--batch-check=%(objectsize)'], { input: oids }))
    .toString()
    .split('\n');
  const large = links.find((_link, index) => !(Number(sizes[index]) <= maximumTargetBytes));
  if (large !== undefined) return `the link ${JSON.stringify(large.name)} has a target of impossible length`;
  let content = await git(folder, ['cat-file', '--batch=%(objectsize)'], { input: oids });
  for (const { name } of links) {
    const start = content.indexOf('\n') + 1;
    const end = start + Number(content.toString('latin1', 0, start));
    const refusal = checkTarget(name, content.toString('utf8', start, end));
    if (refusal !== null) return refusal;
    content = content.subarray(end + 1);
  }
  return null;
}

/**
 * Pure. A target may climb at its beginning and only there: behind the name of another link, `..` would leave from wherever that
 * one leads to.
 */
export function checkTarget(name: string, target: string): string | null {
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const climbs = parts.findIndex((part) => part !== '..');
  const depth = posix.dirname(name) === '.' ? 0 : posix.dirname(name).split('/').length;
  const rest = climbs < 0 ? [] : parts.slice(climbs);
  const shown = `the link ${JSON.stringify(name)} points to ${JSON.stringify(target.slice(0, 200))}`;
  if (
    target === '' ||
    target.startsWith('/') ||
    target.includes('\\') ||
    target.includes('\0') ||
    /^[A-Za-z]:/.test(target)
  )
    return `${shown}; a link inside the repository is relative`;
  if (rest.includes('..') || parts.length - rest.length > depth) return `${shown}, outside of the repository`;
  if (rest.some(isGitFolder)) return `${shown}, in git's own folder`;
  return null;
}
