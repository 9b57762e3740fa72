import { inertLine } from '@countersign/contracts/inert-text.ts';
import parser from 'gitdiff-parser';
import type { ChangeData, FileData, HunkData } from 'react-diff-view';

/** The pieces of a git patch, one for each file, as text. Lines of content begin with something else than `diff`. Pure. */
export function patchFiles(patch: string): string[] {
  return patch.split(/^(?=diff --git )/m).filter((piece) => piece.startsWith('diff --git '));
}

/**
 * One file of a patch as data, with every line made inert: what would act in it or show as nothing is spelt out, tabs stay. Null
 * where it is not to be read.
 */
export function readFilePatch(text: string): FileData | null {
  try {
    const [file] = parser.parse(text) as unknown as FileData[];
    return file === undefined ? null : { ...file, hunks: file.hunks.map(inertHunk) };
  } catch {
    return null;
  }
}

/** As many hunks, and of the last one as many lines, as `most` lines hold. Pure. */
export function firstLines(hunks: readonly HunkData[], most: number): HunkData[] {
  const shown: HunkData[] = [];
  let left = most;
  for (const hunk of hunks) {
    if (left <= 0) break;
    shown.push(hunk.changes.length <= left ? hunk : { ...hunk, changes: hunk.changes.slice(0, left) });
    left -= hunk.changes.length;
  }
  return shown;
}

export function lineCount(hunks: readonly HunkData[]): number {
  return hunks.reduce((sum, { changes }) => sum + changes.length, 0);
}

function inertHunk(hunk: HunkData): HunkData {
  return { ...hunk, content: inertLine(hunk.content), changes: hunk.changes.map(inertChange) };
}

function inertChange(change: ChangeData): ChangeData {
  return { ...change, content: change.content.split('\t').map(inertLine).join('\t') };
}
