import { flagText } from '@countersign/contracts/diff-flag-text.ts';
import type { DiffFlag, DiffIndex } from '@countersign/contracts/diff-index.ts';

/** A changed file that deserves eyes, and why in plain words. The path is a repository's text, so an attacker's. */
type FlaggedFile = { readonly repository: string; readonly path: string; readonly why: string };

/** Files that deserve eyes; `unlisted` are those that the saved list had no room for. */
export function flaggedFiles({ repositories }: DiffIndex): {
  readonly files: readonly FlaggedFile[];
  readonly unlisted: number;
} {
  const files = repositories.flatMap(({ name, files: changed }) =>
    changed
      .filter(({ flags }) => flags.length > 0)
      .map(({ path, flags }) => ({ repository: name, path, why: wordsOf(flags) })),
  );
  const all = repositories.reduce((sum, { totals }) => sum + totals.flagged, 0);
  return { files, unlisted: Math.max(0, all - files.length) };
}

export function wordsOf(flags: readonly DiffFlag[]): string {
  return flags.map((flag) => flagText[flag]).join('; ');
}
