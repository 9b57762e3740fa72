import { join } from 'node:path';
import type { Handoff } from '@countersign/contracts/handoff.ts';
import type { WorkspaceName } from '@countersign/contracts/names.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { formatHandoff, parseHandoff } from './handoff-text.ts';
import type { MemoryChange } from './make-changes.ts';
import { memoryLimits } from './memory-limits.ts';
import { isMemoryName } from './memory-path.ts';
import { ParsedFiles } from './parsed-files.ts';
import { listFolder } from './read-material.ts';

/** Null for what is no handoff. */
export type HandoffFiles = ParsedFiles<Handoff | null>;
export const handoffFiles = (): HandoffFiles => new ParsedFiles(parseHandoff, memoryLimits.handoffBytes);

export type NewestHandoffs = {
  /** Newest first. */
  readonly handoffs: readonly { readonly file: string; readonly handoff: Handoff }[];
  /** Files among the newest that are no handoff any more. */
  readonly skipped: number;
  /** Files that are older than those that were looked at. */
  readonly older: number;
};

/** Where a handoff is kept, relative to the memory: sorted by name, they are sorted by time. */
export function handoffPath({ workspace, ended_at, task, attempt }: Handoff): string {
  return `${workspace}/handoffs/${ended_at.replaceAll(/[-:.]/g, '')}-${task}-${attempt}.yaml`;
}

/** The change that keeps a handoff; none where there is a file of this name: it is kept already, and may have been edited since. */
export function handoffChange(handoff: Handoff): MemoryChange {
  const text = Buffer.from(formatHandoff(handoff));
  const edit = (bytes: Buffer | null): Buffer | null => (bytes === null ? text : null);
  const task = handoff.memory_task === null ? '' : `, ${handoff.memory_task}`;
  return {
    message: `${handoff.workspace}: handoff of task ${handoff.task}, attempt ${handoff.attempt}${task}`,
    files: [{ path: handoffPath(handoff), edit }],
  };
}

/** The newest handoffs of a workspace, by their names alone, and of those no more than a limit are read. */
export async function newestHandoffs(
  files: HandoffFiles,
  folder: string,
  workspace: WorkspaceName,
  limit = 50,
): Promise<NewestHandoffs> {
  const place = join(folder, workspace, 'handoffs');
  const listed = await listFolder(place);
  const names = (listed?.names ?? []).filter((name) => isMemoryName('handoffs', name)).toReversed();
  const newest = names.slice(0, limit);
  const read = await inParallel(newest, memoryLimits.looks, async (file) => {
    const one = await files.read(join(place, file));
    return one.status === 'read' && one.value !== null ? [{ file, handoff: one.value }] : [];
  });
  const handoffs = read.flat();
  return { handoffs, skipped: newest.length - handoffs.length, older: Math.max(0, names.length - limit) };
}
