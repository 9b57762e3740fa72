import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { Result, TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { isMissing, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { buildHandoff } from '../memory/build-handoff.ts';
import { formatHandoff } from '../memory/handoff-text.ts';
import type { Changes, EventDetail } from '../state/task-store.ts';

/** What an agent says of its work itself, beside the handoff that is made of facts. */
export const agentHandoffFile = 'agent-handoff.yaml';
/** In an attempt's folder. */
export const handoffFile = 'handoff.yaml';

/**
 * Moves a task on whose attempt is over, and leaves a handoff: in the attempt's folder before the task moves, so that no ended
 * task is without one, and in the memory. A task that never began has nothing to hand off.
 * @param result what the attempt left, where the state that follows does not hold it
 */
export async function handOff(
  context: Context,
  record: TaskRecord,
  state: TaskState,
  detail: EventDetail,
  changes: Changes = {},
  result: Result | null = resultOf(state),
): Promise<TaskRecord> {
  const after = { ...record, ...changes, state };
  if (after.attempts === 0) return await context.tasks.transition(record.id, state, detail, changes);
  const folder = context.layout.attempt(after);
  const handoff = buildHandoff({
    record: after,
    attempt: after.attempts,
    endedAt: state.since,
    result,
    changedFiles:
      result === null ? new Map() : await changedFiles(join(context.layout.attempt(after, result.attempt), 'diffs')),
    verification:
      state.status === 'done' ? state.verification : (result?.verification ?? { status: 'unverified' as const }),
    preconditions: [],
    model: after.model === null ? 'none' : describeModel(after.model),
    tokens: detail.tokens ?? null,
    durationMs: detail.duration_ms ?? 0,
    prompts: { plan: context.config.prompts.plan.digest, run: context.config.prompts.run.digest },
    agentText: await readIfThere(join(folder, agentHandoffFile)),
  });
  await mkdir(folder, { recursive: true });
  await writeFileAtomic(join(folder, handoffFile), formatHandoff(handoff));
  const moved = await context.tasks.transition(record.id, state, detail, changes);
  context.follower.handedOff(handoff);
  return moved;
}

function resultOf(state: TaskState): Result | null {
  return 'result' in state ? state.result : null;
}

async function changedFiles(diffs: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readIfThere(join(diffs, 'index.json'));
  if (text === null) return new Map();
  const { repositories } = DiffIndex.parse(JSON.parse(text));
  return new Map(repositories.map(({ name, files }) => [name, files.map(({ path }) => path)]));
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
