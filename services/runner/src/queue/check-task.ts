import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkspaceName } from '@countersign/contracts/names.ts';
import type { Problem } from '@countersign/contracts/problem.ts';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskHeader } from '@countersign/contracts/task-file/schema.ts';
import type { Context } from '../context.ts';
import { findCircle } from '../loop/dependency-hold.ts';
import { findRepositories } from '../work/find-repositories.ts';
import { findSources } from '../work/grounds.ts';
import { readObjective, specPath } from '../work/objective.ts';

type Said = { readonly key: keyof TaskHeader; readonly message: string };

/** What was found out about workspaces, for many files that are looked at together; git is asked once for all that mean the same. */
export type WorkspaceAnswers = Map<string, Promise<Said | null>>;

/** Whether what a well-formed file names exists here. All problems, each with the line of its key. */
export async function checkTask(
  context: Context,
  file: TaskFile,
  answers: WorkspaceAnswers = new Map(),
): Promise<readonly Problem[]> {
  const { header, keyLines } = file;
  const problems: Problem[] = [];
  const say = (key: keyof TaskHeader, message: string) =>
    problems.push({ line: keyLines.get(key) ?? 1, message: `${key}: ${message}` });

  const stages = Object.keys(context.config.stages.stages);
  if (!stages.includes(header.stage))
    say('stage', `unknown stage ${JSON.stringify(header.stage)}; allowed: ${stages.join(', ')}`);
  const tools = Object.entries(context.config.tools.tools).filter(([, tool]) => tool.mode === 'batch');
  if (!tools.some(([name]) => name === header.tool))
    say('tool', `unknown tool ${JSON.stringify(header.tool)}; allowed: ${tools.map(([name]) => name).join(', ')}`);
  if (header.id !== undefined && context.tasks.has(header.id)) say('id', `there is a task ${header.id} already`);
  const circle = findCircle(header.id, [header.depends_on ?? []].flat(), (id) => context.tasks.get(id));
  if (circle !== null) say('depends_on', `${circle.join(' waits for ')}: none of them could ever begin`);
  checkRun(context, header, say);
  const { workspace, task, repos, base_branch: branch } = header;
  const meant = JSON.stringify([workspace, task, repos, branch, file.body === '']);
  const answer = answers.get(meant) ?? checkWorkspace(context, file);
  answers.set(meant, answer);
  const said = await answer;
  if (said !== null) say(said.key, said.message);
  return problems;
}

function checkRun(context: Context, header: TaskHeader, say: (key: keyof TaskHeader, message: string) => void): void {
  if (header.run === undefined) return;
  const run = context.runs.get(header.run);
  if (run === undefined) say('run', `there is no run ${header.run}`);
  else if (run.workspace !== header.workspace) say('run', `${header.run} is a run of workspace ${run.workspace}`);
}

/** The first thing that is wrong with the workspace, for a file of these keys, with a body or without; null when nothing is. */
async function checkWorkspace(context: Context, file: TaskFile): Promise<Said | null> {
  const { workspaces } = context.layout;
  const { header } = file;
  const names = (await readdir(workspaces)).filter((name) => WorkspaceName.safeParse(name).success).sort();
  if (!names.includes(header.workspace)) {
    return {
      key: 'workspace',
      message: `unknown workspace ${JSON.stringify(header.workspace)}; allowed: ${names.join(', ') || 'none yet: make a folder under workspaces/'}`,
    };
  }
  if (header.task !== undefined) {
    const found = await context.memory.findTask(header.workspace, header.task);
    if (!found.ok) return { key: 'task', message: found.reason };
  }
  const repositories = header.repos === undefined ? null : await findRepositories(context, header);
  if (repositories?.ok === false) return { key: 'repos', message: repositories.reason };
  const sources = await findSources(context, file, null);
  if (!sources.ok)
    return { key: header.base_branch === undefined ? 'workspace' : 'base_branch', message: sources.reason };
  const objective = await readObjective(join(workspaces, header.workspace), file);
  if (objective.ok) return null;
  return {
    key: 'workspace',
    message: `the file has no body, and workspaces/${header.workspace}/${specPath}: ${objective.reason}`,
  };
}
