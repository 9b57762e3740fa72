import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from '../git.ts';
import { checkoutFolders, outputFiles, type TaskDescription } from '../task-folder.ts';
import { checkOut, emptyFolder, unpack } from './checkout.ts';
import type { ReceivedTask } from './incoming-task.ts';
import type { Outcome } from './outcome.ts';
import type { AgentPaths } from './paths.ts';

/** Lays out what a tool reads: `task.json`, the texts, and the folders for what it leaves. Without a tool, the folders alone. */
export async function writeTaskFolder(paths: AgentPaths, { frame, texts }: ReceivedTask): Promise<void> {
  await mkdir(paths.home, { recursive: true });
  await emptyFolder(paths.task);
  await mkdir(outputFiles(paths.task).artifacts, { recursive: true });
  if (frame.mode !== 'run' && frame.mode !== 'plan') return;
  const description: TaskDescription = {
    task: frame.task,
    mode: frame.mode,
    model: frame.model,
    step_limit: frame.step_limit,
    token_budget: frame.token_budget,
    repositories: frame.repositories.map(({ name }) => name),
  };
  await writeFile(join(paths.task, 'task.json'), `${JSON.stringify(description, null, 2)}\n`);
  for (const [name, text] of texts) await writeFile(join(paths.task, `${name}.md`), text);
}

/**
 * Unpacks every repository, and checks it out unless commits are only carried over: that is done without a work tree.
 * @returns why that could not be done, if it could not
 */
export async function checkOutAll(
  paths: AgentPaths,
  { frame, packs, problem }: ReceivedTask,
  stop: AbortSignal,
): Promise<Outcome | undefined> {
  if (problem !== undefined) return { kind: 'failed', errorClass: 'workspace_too_large', message: problem };
  const names = frame.repositories.map(({ name }) => name);
  for (const [index, folder] of checkoutFolders(paths.workspace, names).entries()) {
    const repository = frame.repositories[index];
    const pack = packs[index];
    if (repository === undefined || pack === undefined) continue;
    const { base_head: baseHead, rebase } = repository;
    try {
      await unpack(folder, baseHead, pack, { stop }, rebase === undefined ? [] : [rebase.from]);
      if (frame.mode !== 'rebase') await checkOut(folder, { stop });
    } catch (error) {
      if (!(error instanceof GitError)) throw error;
      const full = error.stderr.includes('No space left on device');
      const errorClass = full ? 'workspace_too_large' : 'workspace_unusable';
      return { kind: 'failed', errorClass, message: `${repository.name} could not be checked out: ${error.message}` };
    }
  }
  return undefined;
}
