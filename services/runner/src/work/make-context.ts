import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { contextBudgetBytes } from '../memory/context-budget.ts';
import type { ContextInput } from '../memory/context-input.ts';
import { contextPacket } from '../memory/context-packet.ts';
import { gatherContext } from '../memory/gather-context.ts';
import { parseHandoff } from '../memory/handoff-text.ts';
import type { Needs } from './dependencies.ts';
import type { Grounds } from './grounds.ts';

const toolchains = {
  own: 'what the sandbox image has',
  workspace: 'an image of this workspace’s own, with the tools that its .project/Dockerfile installs',
} as const;

/**
 * The brief that an attempt starts with: facts of ours and what the memory holds, fitted to the model's context.
 * @param fixedTextBytes of what else the model is given: prompts, objective, plan
 */
export async function makeContext(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  { model, contextLength, profile, mode }: Needs & { readonly mode: 'run' | 'plan' },
  fixedTextBytes: number,
): Promise<string> {
  const { header } = grounds.file;
  const { workspace, memory_task: memoryTask, title } = record;
  const isOne = grounds.sources.length === 1;
  const input: ContextInput = {
    task: {
      id: record.id,
      title,
      run: record.run,
      workspace,
      stage: record.stage,
      mode,
      attempt: record.attempts,
      model: describeModel(model),
      timeoutSec: record.timeout_sec,
      safeMode: header.safe_mode,
    },
    repositories: grounds.sources.map(({ repository: { name }, base }) => ({
      name,
      branch: base.branch,
      baseHead: base.head,
      checkout: isOne ? '/workspace' : `/workspace/${name}`,
    })),
    toolchain: toolchains[profile.toolchain],
    preconditions: header.preconditions ?? [],
    postconditions: header.postconditions ?? [],
    previousAttempts: await previousAttempts(context, record),
    memory: await gatherContext(context.memory, { workspace, memoryTask, title }),
  };
  return contextPacket(input, contextBudgetBytes(contextLength, fixedTextBytes)).text;
}

async function previousAttempts(context: Context, record: TaskRecord): Promise<ContextInput['previousAttempts']> {
  const attempts: { attempt: number; endedAt: string | null; how: string }[] = [];
  for (let attempt = 1; attempt < record.attempts; attempt += 1) {
    const handoff = await readHandoff(join(context.layout.attempt(record, attempt), 'handoff.yaml'));
    attempts.push({
      attempt,
      endedAt: handoff?.ended_at ?? null,
      how: handoff?.what ?? 'it was interrupted, and nothing of it was kept',
    });
  }
  return attempts;
}

async function readHandoff(path: string) {
  try {
    return parseHandoff(await readFile(path));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
