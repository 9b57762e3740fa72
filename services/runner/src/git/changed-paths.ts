import { resultLimits } from '@countersign/contracts/limits.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from './git.ts';

const allowedModes = new Set(['100644', '100755', '120000', '000000']);

/**
 * Looks at every path that a result changes and returns why it must not be taken, or null. fsck lets pass what is dangerous
 * to a checkout on another file system: spellings of `.git`, names that differ only in case, submodules.
 */
export async function checkChangedPaths(folder: string, base: ObjectId, tip: ObjectId): Promise<string | null> {
  const raw = await git(folder, ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', base, tip]);
  const fields = raw.toString('latin1').split('\0');
  const seen = new Map<string, string>();
  let count = 0;
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const modes = /^:(\d{6}) (\d{6}) /.exec(fields[index] ?? '');
    const name = Buffer.from(fields[index + 1] ?? '', 'latin1').toString('utf8');
    count += 1;
    if (count > resultLimits.changedPaths) return `the result changes more than ${resultLimits.changedPaths} paths`;
    const mode = modes?.[2];
    if (mode === undefined || !allowedModes.has(mode))
      return `${quote(name)} has mode ${mode ?? 'unknown'}; files and links only`;
    if (mode === '000000') continue;
    const refusal = checkName(name) ?? checkCase(seen, name);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkName(name: string): string | null {
  if (name.includes('�')) return `${quote(name)} is not UTF-8`;
  for (const part of name.split('/')) {
    if (part === '' || part === '.' || part === '..') return `${quote(name)} leaves its folder`;
    if (isGitFolder(part)) return `${quote(name)} would be read as git's own folder`;
    if (part.includes('\\') || [...part].some((character) => character.charCodeAt(0) < 0x20))
      return `${quote(name)} holds a backslash or a control character`;
  }
  return null;
}

/** `.git` as case-insensitive, normalising and short-name file systems would find it. */
function isGitFolder(part: string): boolean {
  const folded = part
    .normalize('NFKC')
    .replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu, '')
    .toLowerCase()
    .replace(/[ .]+$/u, '');
  return folded === '.git' || /^git~\d+$/.test(folded) || folded.startsWith('.git:');
}

function checkCase(seen: Map<string, string>, name: string): string | null {
  const folded = name.normalize('NFC').toLowerCase();
  const other = seen.get(folded);
  seen.set(folded, name);
  return other === undefined || other === name
    ? null
    : `${quote(name)} and ${quote(other)} are one file where case does not count`;
}

function quote(name: string): string {
  return JSON.stringify(name);
}
