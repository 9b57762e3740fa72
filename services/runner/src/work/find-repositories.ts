import { join } from 'node:path';
import type { TaskHeader } from '@countersign/contracts/task-file/schema.ts';
import { exists } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { type Found, findRepository, type Repository } from '../git/repository.ts';
import { layoutPath, readWorkspaceLayout } from './workspace-layout.ts';

/** A repository of a task, and the branch that the workspace says its work belongs to. */
export type TaskRepository = { readonly repository: Repository; readonly branch: string | undefined };

/**
 * The repositories that a task is about: the workspace itself where it is one; else those that `.project/workspace.yaml` lists,
 * or of them those that the task file names. Without that list the task file has to name them.
 */
export async function findRepositories(
  context: Context,
  { workspace, repos }: Pick<TaskHeader, 'workspace' | 'repos'>,
): Promise<Found<readonly TaskRepository[]>> {
  const { workspaces } = context.layout;
  const folder = join(workspaces, workspace);
  const listed = await listRepositories(folder, workspace, repos);
  if (!listed.ok) return listed;
  const found: TaskRepository[] = [];
  for (const { path, branch } of listed.value) {
    const repository = await findRepository(workspaces, path, context.userId);
    if (!repository.ok) return repository;
    found.push({ repository: repository.value, branch });
  }
  return { ok: true, value: found };
}

async function listRepositories(
  folder: string,
  workspace: string,
  repos: readonly string[] | undefined,
): Promise<Found<readonly { path: string; branch: string | undefined }[]>> {
  const inWorkspace = (name: string) => `${workspace}/${name}`;
  // A repository's own content may hold such a file as well: what has a `.git` is one repository, whatever it says.
  if (await exists(join(folder, '.git'))) {
    const other = repos?.find((name) => name !== workspace);
    return other === undefined
      ? { ok: true, value: [{ path: workspace, branch: undefined }] }
      : { ok: false, reason: `workspaces/${workspace} is one repository and has no ${JSON.stringify(other)}` };
  }
  const read = await readWorkspaceLayout(folder);
  if (!read.ok) return { ok: false, reason: `workspaces/${workspace}/${read.reason}` };
  if (read.layout === null) {
    return repos === undefined
      ? // The refusal of a folder without a repository says what mends it.
        { ok: true, value: [{ path: workspace, branch: undefined }] }
      : { ok: true, value: repos.map((name) => ({ path: inWorkspace(name), branch: undefined })) };
  }
  const known = new Map(read.layout.repositories.map((entry) => [entry.name, entry.base_branch]));
  const unknown = repos?.find((name) => !known.has(name));
  if (unknown !== undefined) {
    return {
      ok: false,
      reason: `${layoutPath} of workspace ${workspace} has no repository ${JSON.stringify(unknown)}; it lists ${[...known.keys()].join(', ')}`,
    };
  }
  return {
    ok: true,
    value: (repos ?? [...known.keys()]).map((name) => ({ path: inWorkspace(name), branch: known.get(name) })),
  };
}
