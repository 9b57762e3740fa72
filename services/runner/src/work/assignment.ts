import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskFrame, TextFrame } from '@countersign/contracts/frames.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { allEnded } from '@countersign/kit/in-parallel.ts';
import type { Context } from '../context.ts';
import type { Approved } from '../gate/approved-work.ts';
import type { Assignment } from '../sandbox/exchange.ts';
import { commonFrame } from '../sandbox/frame-without-model.ts';
import type { Needs } from './dependencies.ts';
import { effectiveBudget } from './effective-budget.ts';
import { type Grounds, type Unusable, unusable } from './grounds.ts';
import { makeContext } from './make-context.ts';
import { readObjective } from './objective.ts';
import { packSources } from './pack-sources.ts';

/** Fixes what the task is to do: saves the objective beside the task, for this attempt and for whoever approves it. */
export async function saveObjective(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
): Promise<{ ok: true } | Unusable> {
  const objective = await readObjective(join(context.layout.workspaces, record.workspace), grounds.file);
  if (!objective.ok) return unusable(`the workspace's plan ${objective.reason}`);
  await writeFileAtomic(join(context.layout.task(record.run, record.id), 'objective.md'), objective.text);
  return { ok: true };
}

export type Assigned = { readonly ok: true; readonly assignment: Assignment };

/** Everything that a sandbox gets for this attempt. `approved` is null when the task needs no approval. */
export async function makeAssignment(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  needs: Needs & { readonly mode: 'run' | 'plan'; readonly approved: Approved | null },
): Promise<Assigned | Unusable> {
  const tool = context.config.tools.tools[record.tool];
  if (tool === undefined) return unusable(`tool ${record.tool} is no longer in configs/tools.yaml`);
  const commits = grounds.sources.map(({ repository, base }) => ({ repository, head: base.head }));
  const { enforced } = effectiveBudget(context.config, record);
  const [packed, texts] = await allEnded([
    packSources(context, commits, needs.profile, enforced.disk_bytes),
    writeTexts(context, record, grounds, needs),
  ]);
  if (!packed.ok) return packed;
  const task: TaskFrame = {
    ...commonFrame,
    task: record.id,
    mode: needs.mode,
    command: tool.cmd,
    model: needs.model.name,
    step_limit: tool.step_limit,
    token_budget: enforced.tokens ?? tool.token_budget,
    output_bytes: Math.min(commonFrame.output_bytes, enforced.output_bytes ?? commonFrame.output_bytes),
    budget: { output_bytes: enforced.output_bytes, disk_bytes: enforced.disk_bytes },
    repositories: packed.repositories,
    texts: texts.length,
  };
  return { ok: true, assignment: { task, texts, packs: packed.packs } };
}

/** What the model is told, in a sandbox's own files; the packet is kept in the attempt's folder as well. */
async function writeTexts(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  needs: Needs & { readonly mode: 'run' | 'plan'; readonly approved: Approved | null },
): Promise<TextFrame[]> {
  const folder = context.layout.attempt(record);
  const objectivePath = join(context.layout.task(record.run, record.id), 'objective.md');
  const objective = needs.approved?.objective ?? (await readFile(objectivePath, 'utf8'));
  const { prompts } = context.config;
  const others: TextFrame[] = [
    { name: 'prompt-plan', text: prompts.plan.system },
    ...(needs.mode === 'run' ? [{ name: 'prompt-run' as const, text: prompts.run.system }] : []),
    ...(needs.approved === null ? [] : [{ name: 'plan' as const, text: needs.approved.plan }]),
  ];
  const fixed = [objective, ...others.map(({ text }) => text)];
  const fixedBytes = fixed.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const [packet] = await allEnded([
    makeContext(context, record, grounds, needs, fixedBytes),
    makeFolder(join(folder, 'incoming')),
  ]);
  await writeFileAtomic(join(folder, 'context.md'), packet);
  return [{ name: 'objective', text: objective }, { name: 'context', text: packet }, ...others];
}
