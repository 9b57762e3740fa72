import { join } from 'node:path';
import type { MemoryTaskId, WorkspaceName } from '@countersign/contracts/names.ts';
import { lookAt } from '@countersign/kit/files.ts';
import type { GatheredMemory, Quoted } from './context-input.ts';
import { isMemoryName, type MemoryFolder } from './memory-path.ts';
import type { MemoryReader } from './open-memory.ts';
import { listFolder, readMaterial } from './read-material.ts';
import { relatedTasks } from './related-tasks.ts';

/** What is read for one packet: no packet holds more. */
const limits = { files: 50, bytes: 256 * 1024, namedFiles: 200, relatedTasks: 10, handoffs: 50 } as const;

/**
 * Reads what the memory holds for a task of a workspace, within bounds and without an index.
 * @param title of the task, by which related ones are found where it has no memory task
 */
export async function gatherContext(
  memory: MemoryReader,
  { workspace, memoryTask, title }: { workspace: WorkspaceName; memoryTask: MemoryTaskId | null; title: string },
): Promise<GatheredMemory> {
  const found = memoryTask === null ? null : await memory.findTask(workspace, memoryTask);
  const listed = await memory.listTasks(workspace);
  const others = listed.tasks.filter(({ id }) => id !== memoryTask);
  const { related, others: unrelated } = relatedTasks(
    found?.ok === true ? found.task.title : title,
    others,
    limits.relatedTasks,
  );
  const newest = await memory.newestHandoffs(workspace, limits.handoffs);
  const decisions = await readFolder(memory.folder, workspace, 'decisions');
  const notes = await readFolder(memory.folder, workspace, 'notes');
  const own = newest.handoffs.filter(({ handoff }) => memoryTask !== null && handoff.memory_task === memoryTask);
  return {
    memoryTask:
      found === null
        ? { status: 'none' }
        : found.ok
          ? { status: 'found', task: found.task }
          : { status: 'refused', reason: found.reason },
    decisions: decisions.quoted,
    notes: notes.quoted,
    unread: { decisions: decisions.unread, notes: notes.unread },
    relatedTasks: related.map(({ id, title: name, status }) => ({ id, title: name, status })),
    otherTasks: unrelated + listed.refused.length + listed.unread,
    handoffs: [...own, ...newest.handoffs.filter((each) => !own.includes(each))],
    handoffsSkipped: newest.skipped,
    handoffsOlder: newest.older,
    ignored: memory.ignored().filter((name) => name.startsWith(`${workspace}/`)),
  };
}

/** Files by descending name, so that names that begin with a date are the newest first. */
async function readFolder(
  folder: string,
  workspace: WorkspaceName,
  kind: MemoryFolder,
): Promise<{ readonly quoted: readonly Quoted[]; readonly unread: number }> {
  const place = join(folder, workspace, kind);
  const listed = await listFolder(place);
  const names = (listed?.names ?? []).filter((name) => isMemoryName(kind, name)).toReversed();
  const quoted: Quoted[] = [];
  let bytes = 0;
  for (const [index, name] of names.slice(0, limits.namedFiles).entries()) {
    const path = `${kind}/${name}`;
    const stats = await lookAt(join(place, name));
    if (stats === null) continue;
    const size = Number(stats.size);
    const read = index < limits.files && bytes + size <= limits.bytes ? await readMaterial(join(place, name)) : null;
    if (read?.status === 'read') bytes += read.material.bytes.length;
    // Bytes that are no text show as such: the file is there, and somebody should mend it.
    const text = read?.status === 'read' ? new TextDecoder().decode(read.material.bytes) : null;
    quoted.push({ path, bytes: size, text });
  }
  return { quoted, unread: Math.max(0, names.length - limits.namedFiles) };
}
