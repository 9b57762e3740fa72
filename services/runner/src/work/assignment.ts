import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorClass } from '@countersign/contracts/event.ts';
import type { TaskFrame, TextFrame } from '@countersign/contracts/frames.ts';
import { endingLimits, resultLimits } from '@countersign/contracts/limits.ts';
import { parseTaskFile, type TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import type { Approved } from '../gate/approved-work.ts';
import { basePack } from '../git/base-pack.ts';
import { type Base, findBase, findRepository, measureCheckout, pinBase, type Repository } from '../git/repository.ts';
import type { Assignment } from '../sandbox/exchange.ts';
import { contextText } from './context-text.ts';
import type { Needs } from './dependencies.ts';
import { readObjective } from './objective.ts';

/** A checkout may fill this part of its tmpfs; the rest is for git's objects and for the work. */
const checkoutShare = 0.5;

export type Unusable = { readonly ok: false; readonly errorClass: ErrorClass; readonly reason: string };
export type Grounds = {
  readonly ok: true;
  readonly repository: Repository;
  readonly base: Base;
  readonly file: TaskFile;
};

/** Where a task would start from: its repository and base, as pinned for it or as they are now. */
export async function findGrounds(context: Context, record: TaskRecord): Promise<Grounds | Unusable> {
  const bytes = await readFile(join(context.layout.task(record.run, record.id), 'task.md'));
  if (sha256(bytes) !== record.task_file) return unusable('the saved copy of the task file is not what was accepted');
  const file = parseTaskFile(bytes);
  if (!file.ok) return unusable(`the saved copy of the task file cannot be read: ${file.problems[0]?.message ?? ''}`);
  const repository = await findRepository(context.layout.workspaces, record.workspace, context.userId);
  if (!repository.ok) return unusable(repository.reason);
  const base =
    record.base === null
      ? await findBase(repository.value, file.file.header.base_branch)
      : { ok: true as const, value: record.base };
  if (!base.ok) return unusable(base.reason);
  await pinBase(repository.value, record.run, record.id, base.value.head);
  return { ok: true, repository: repository.value, base: base.value, file: file.file };
}

/** Fixes what the task is to do: saves the objective beside the task, for this attempt and for whoever approves it. */
export async function saveObjective(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
): Promise<{ ok: true } | Unusable> {
  const objective = await readObjective(grounds.repository.folder, grounds.file);
  if (!objective.ok) return unusable(`the workspace's plan ${objective.reason}`);
  await writeFileAtomic(join(context.layout.task(record.run, record.id), 'objective.md'), objective.text);
  return { ok: true };
}

/** Everything that a sandbox gets for this attempt. `approved` is null when the task needs no approval. */
export async function makeAssignment(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  needs: Needs & { readonly mode: 'run' | 'plan'; readonly approved: Approved | null },
): Promise<{ ok: true; assignment: Assignment } | Unusable> {
  const checkout = await measureCheckout(grounds.repository, grounds.base.head);
  const room = needs.profile.workspace_bytes * checkoutShare;
  if (checkout.bytes > room) {
    return {
      ok: false,
      errorClass: 'workspace_too_large',
      reason: `a checkout has ${checkout.files} files of ${checkout.bytes} bytes, and sandbox profile ${needs.profile.name} has room for ${Math.floor(room)}; raise workspace_mb in configs/sandbox.yaml`,
    };
  }
  const pack = await basePack(context.layout.packCache, grounds.repository, grounds.base.head);
  const objectivePath = join(context.layout.task(record.run, record.id), 'objective.md');
  const objective = needs.approved?.objective ?? (await readFile(objectivePath, 'utf8'));
  const packet = contextText(record, grounds, needs.model);
  await mkdir(context.layout.attempt(record), { recursive: true });
  await writeFileAtomic(join(context.layout.attempt(record), 'context.md'), packet);
  const texts: TextFrame[] = [
    { name: 'objective', text: objective },
    { name: 'context', text: packet },
    { name: 'prompt-plan', text: context.config.prompts.plan.system },
    ...(needs.mode === 'run' ? [{ name: 'prompt-run' as const, text: context.config.prompts.run.system }] : []),
    ...(needs.approved === null ? [] : [{ name: 'plan' as const, text: needs.approved.plan }]),
  ];
  const tool = context.config.tools.tools[record.tool];
  if (tool === undefined) return unusable(`tool ${record.tool} is no longer in configs/tools.yaml`);
  const task: TaskFrame = {
    task: record.id,
    mode: needs.mode,
    command: tool.cmd,
    model: needs.model.name,
    step_limit: tool.step_limit,
    token_budget: tool.token_budget,
    interrupt_ms: endingLimits.interruptMs,
    terminate_ms: endingLimits.terminateMs,
    output_bytes: resultLimits.outputBytes,
    repositories: [
      { name: grounds.repository.name, base_head: grounds.base.head, pack: { bytes: pack.bytes, sha256: pack.sha256 } },
    ],
    texts: texts.length,
  };
  return { ok: true, assignment: { task, texts, packs: [pack] } };
}

function unusable(reason: string): Unusable {
  return { ok: false, errorClass: 'workspace_unusable', reason };
}
