import type { DiffFile, DiffFlag } from '@countersign/contracts/diff-index.ts';
import { pathFlags } from './diff-flags-paths.ts';
import { textFlags } from './diff-text-flags.ts';

/** Lines, added and removed; and bytes of a file that has no lines in the patch. */
const largeChange = { lines: 2_000, bytes: 1024 * 1024 };

/** Pure: what can be told of a change without a look at its content. */
export function changeFlags(file: Omit<DiffFile, 'flags'>): DiffFlag[] {
  const { path, old_path, old_mode, new_mode, insertions, deletions } = file;
  const modes = [old_mode, new_mode];
  const flags = new Set([path, old_path ?? ''].flatMap((name) => [...pathFlags(name), ...textFlags(name)]));
  if (modes.includes('120000')) flags.add('symlink');
  if (modes.includes('160000')) flags.add('submodule');
  // A new file that may be executed is told like one that becomes so.
  if (new_mode !== '000000' && (old_mode === '100755') !== (new_mode === '100755')) flags.add('mode-change');
  if (insertions === null) flags.add('binary');
  if ((insertions ?? 0) + (deletions ?? 0) > largeChange.lines) flags.add('large-change');
  if (insertions === null && file.bytes > largeChange.bytes) flags.add('large-change');
  if (file.status === 'renamed' && file.old_oid !== file.new_oid) flags.add('renamed-and-changed');
  return [...flags];
}
