import type { DiffFile, RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import { wordsOf } from '@countersign/kit/flagged-files.ts';
import type { PatchStart } from './patch-start.ts';
import { formatTable } from './table.ts';

const columns = [
  { heading: 'STATUS', width: 12 },
  { heading: '+', width: 10 },
  { heading: '-', width: 10 },
  { heading: 'FILE', width: 1_000 },
  { heading: 'NEEDS EYES', width: 1_000 },
];

/** A patch for a terminal, under a line of ours. A carriage return at a line's end is spelt out: it is a change like any other. */
export function patchLines(repository: RepositoryDiff, path: string, { text, end, size }: PatchStart): string[] {
  const lines = text.replace(/\n$/, '').split('\n');
  return [
    heading(repository),
    end < size ? `== the first ${end} of ${size} bytes; all of it: ${path}` : `== ${size} bytes: ${path}`,
    ...lines.map((line) => inertLine(line.replaceAll('\t', '    '))),
    ...(end < size ? [`== ${size - end} bytes of ${size} are not shown; all of it: ${path}`] : []),
  ];
}

/** The files that were changed, with what in them deserves eyes. */
export function statLines(repository: RepositoryDiff, path: string): string[] {
  const left = repository.files_left_out;
  return [
    heading(repository),
    `== ${repository.patch.bytes} bytes: ${path}`,
    ...formatTable(columns, repository.files.map(cellsOf)),
    ...(left > 0 ? [`== and ${left} more ${left === 1 ? 'file' : 'files'}, which the saved list has no room for`] : []),
  ];
}

function heading({ name, branch, base_head, head, totals }: RepositoryDiff): string {
  const { files, insertions, deletions, flagged } = totals;
  const changed = `${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}, ${flagged} that ${flagged === 1 ? 'needs' : 'need'} eyes`;
  return inertLine(`== ${name}, branch ${branch}, ${base_head} to ${head}: ${changed}`);
}

function cellsOf({ status, insertions, deletions, path, old_path, old_mode, new_mode, flags }: DiffFile): string[] {
  const mode = status === 'modified' && old_mode !== new_mode ? ` (mode ${old_mode} to ${new_mode})` : '';
  const name = old_path === undefined ? path : `${old_path} → ${path}`;
  return [status, String(insertions ?? '-'), String(deletions ?? '-'), `${name}${mode}`, wordsOf(flags)];
}
