import { mkdir } from 'node:fs/promises';
import type { Handoff } from '@countersign/contracts/handoff.ts';
import type { MemoryTaskStatus } from '@countersign/contracts/memory-task.ts';
import type { MemoryTaskId, WorkspaceName } from '@countersign/contracts/names.ts';
import { handoffChange, handoffFiles, type NewestHandoffs, newestHandoffs } from './handoffs.ts';
import { memoryLimits } from './memory-limits.ts';
import { readmeName } from './memory-path.ts';
import { readmeText } from './readme-text.ts';
import { type MemoryRepository, openMemoryRepository, type Saved } from './repository.ts';
import { type FoundTask, findTask, type ListedTasks, listTasks, statusChange, taskFiles } from './tasks.ts';

/** Not wanted by us, and nothing that asking again would mend. */
export type Refused = { readonly status: 'refused'; readonly reason: string };

/** What is remembered beyond one run: files of the operator's and ours, in a repository of the control plane's own. */
export type Memory = MemoryRepository & {
  findTask(workspace: WorkspaceName, id: MemoryTaskId): Promise<FoundTask>;
  listTasks(workspace: WorkspaceName): Promise<ListedTasks>;
  /** Sets a task's status where it is another one. @param why for the commit's message */
  setStatus(
    workspace: WorkspaceName,
    id: MemoryTaskId,
    status: MemoryTaskStatus,
    why: string,
  ): Promise<Saved | Refused>;
  /** Keeps a handoff; one that is kept already stays as it is. */
  saveHandoff(handoff: Handoff): Promise<Saved>;
  newestHandoffs(workspace: WorkspaceName, limit?: number): Promise<NewestHandoffs>;
  /** What was in the way of the first commit, or of taking over what was edited by hand; null when nothing was. */
  readonly trouble: string | null;
};

/** What the rest of the runner asks the memory for; it is written by the follower alone. */
export type MemoryReader = Pick<Memory, 'folder' | 'findTask' | 'listTasks' | 'newestHandoffs' | 'ignored'>;

/**
 * Opens the memory, making it where there is none, and takes over what was edited by hand since the last time. A repository in
 * which the operator has something under way is opened as well; what is to be written waits, and says so.
 * @param place the folder; made when it is missing
 * @param waitMs how long a lock of the operator's git is waited for
 * @throws GitError when the repository cannot be made
 */
export async function openMemory(
  place: string,
  now: () => Date = () => new Date(),
  waitMs: number = memoryLimits.lockWaitMs,
): Promise<Memory> {
  await mkdir(place, { recursive: true });
  const repository = await openMemoryRepository(place, now, waitMs);
  const { folder } = repository;
  const edit = (bytes: Buffer | null) => (bytes === null ? Buffer.from(readmeText) : null);
  const first = { message: 'the memory begins', files: [{ path: readmeName, edit }] };
  const saved = await repository.change(repository.isNew ? [first] : []);
  const [tasks, handoffs] = [taskFiles(), handoffFiles()];
  return {
    ...repository,
    trouble: saved.status === 'committed' ? null : saved.reason,
    findTask: (workspace, id) => findTask(tasks, folder, workspace, id),
    listTasks: (workspace) => listTasks(tasks, folder, workspace),
    async setStatus(workspace, id, status, why) {
      const found = await findTask(tasks, folder, workspace, id);
      if (!found.ok) return { status: 'refused', reason: found.reason };
      const refusals: string[] = [];
      const change = statusChange(found.task, status, why, (reason) => refusals.push(reason));
      const changed = await repository.change([change]);
      const [reason] = refusals;
      return reason === undefined ? changed : { status: 'refused', reason };
    },
    saveHandoff: (handoff) => repository.change([handoffChange(handoff)]),
    newestHandoffs: (workspace, limit) => newestHandoffs(handoffs, folder, workspace, limit),
  };
}
