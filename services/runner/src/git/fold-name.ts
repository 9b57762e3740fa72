/** Characters that some file systems do not see when they compare names. */
const unseen = /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;

/** Two names that a file system on some host takes for one have the same folded form. */
export function foldName(name: string): string {
  // Upper case first: `ß` and `ss`, `ſ` and `s` are then the same.
  return name.normalize('NFC').replace(unseen, '').toUpperCase().toLowerCase().normalize('NFC');
}

/** `.git` as case-insensitive, normalising and short-name file systems would find it. */
export function isGitFolder(part: string): boolean {
  const folded = foldName(part.normalize('NFKC')).replace(/[ .]+$/u, '');
  return folded === '.git' || /^git~\d+$/.test(folded) || folded.startsWith('.git:');
}
