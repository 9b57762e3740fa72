import { resultLimits } from '@countersign/contracts/limits.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { checkLinks, type Link } from './changed-links.ts';
import { isGitFolder } from './fold-name.ts';
import { git } from './git.ts';
import { checkNameClashes } from './name-clashes.ts';

const allowedModes = new Set(['100644', '100755', '120000']);
const linkMode = '120000';

/**
 * Looks at every path that a commit of the result changes and returns why it must not be taken, or null. fsck lets pass what is
 * dangerous to a checkout on another file system or outside of it: spellings of `.git`, names that differ only in case,
 * submodules, links that lead out. A later commit that takes such a thing back does not help: every commit can be checked out.
 * @throws GitError
 */
export async function checkChangedPaths(folder: string, base: ObjectId, tip: ObjectId): Promise<string | null> {
  const commits = await git(folder, ['rev-list', tip, '--not', base]);
  const listing = [
    'diff-tree',
    '--stdin',
    '-r',
    '-m',
    '-z',
    '--root',
    '--no-commit-id',
    '--no-renames',
    '--no-ext-diff',
  ];
  const fields = (await git(folder, listing, { input: commits })).toString('latin1').split('\0');
  const names = new Set<string>();
  const links = new Map<string, Link>();
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, mode, oid] = /^:\d{6} (\d{6}) [0-9a-f]+ ([0-9a-f]+) /.exec(fields[index] ?? '') ?? [];
    const name = Buffer.from(fields[index + 1] ?? '', 'latin1').toString('utf8');
    names.add(name);
    if (names.size > resultLimits.changedPaths)
      return `the result changes more than ${resultLimits.changedPaths} paths`;
    if (mode === '000000') continue;
    const tooLong = checkLength(name);
    if (tooLong !== null) return tooLong;
    if (mode === undefined || oid === undefined || !allowedModes.has(mode))
      return `${quote(name)} has mode ${mode ?? 'unknown'}; files and links only`;
    const refusal = checkName(name);
    if (refusal !== null) return refusal;
    if (mode === linkMode) links.set(`${oid} ${name}`, { name, oid });
  }
  return (await checkLinks(folder, [...links.values()])) ?? (await checkNameClashes(folder, base, tip));
}

/** What no checkout could hold is no result: it would be refused at its merge, by a file system. */
function checkLength(name: string): string | null {
  const { changedNameBytes, changedPathBytes } = resultLimits;
  const longest = Math.max(...name.split('/').map((part) => Buffer.byteLength(part)));
  if (longest <= changedNameBytes && Buffer.byteLength(name) <= changedPathBytes) return null;
  return `${quote(name.slice(0, 200))} is too long: a name has at most ${changedNameBytes} bytes, and a path ${changedPathBytes}`;
}

function checkName(name: string): string | null {
  if (name.includes('\uFFFD')) return `${quote(name)} is not UTF-8`;
  for (const part of name.split('/')) {
    if (part === '' || part === '.' || part === '..') return `${quote(name)} leaves its folder`;
    if (isGitFolder(part)) return `${quote(name)} would be read as git's own folder`;
    if (part.includes('\\') || [...part].some((character) => character.charCodeAt(0) < 0x20))
      return `${quote(name)} holds a backslash or a control character`;
  }
  return null;
}

function quote(name: string): string {
  return JSON.stringify(name);
}
