import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { preconditionsFile } from '@countersign/contracts/attempt-files.ts';
import { NamedCheck } from '@countersign/contracts/condition.ts';
import { DiffIndex } from '@countersign/contracts/diff-index.ts';
import type { Handoff } from '@countersign/contracts/handoff.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import { type NewState, type Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing, makeFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { buildHandoff } from '../memory/build-handoff.ts';
import { formatHandoff, parseHandoff } from '../memory/handoff-text.ts';
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
  state: NewState,
  detail: EventDetail,
  changes: Changes = {},
  result: Result | null = resultOf(state),
): Promise<TaskRecord> {
  const after = TaskRecord.parse({ ...record, ...changes, state });
  if (after.attempts === 0) return await context.tasks.transition(record.id, state, detail, changes);
  const folder = context.layout.attempt(after);
  const before = await earlierHandoff(context, after, result);
  const handoff = buildHandoff({
    record: after,
    attempt: after.attempts,
    endedAt: state.since,
    result,
    changedFiles:
      result === null ? new Map() : await changedFiles(join(context.layout.attempt(after, result.attempt), 'diffs')),
    verification:
      state.status === 'done' ? state.verification : (result?.verification ?? { status: 'unverified' as const }),
    preconditions: await metPreconditions(folder),
    model: after.model === null ? 'none' : describeModel(after.model),
    // What the work took is known when it ends, and still to be told when it was checked, carried over or merged.
    tokens: detail.tokens ?? before?.tokens ?? null,
    durationMs: detail.duration_ms ?? before?.duration_ms ?? 0,
    prompts: { plan: context.config.prompts.plan.digest, run: context.config.prompts.run.digest },
    agentText: await agentWords(context, after, result),
  });
  await makeFolder(folder);
  await writeFileAtomic(join(folder, handoffFile), formatHandoff(handoff));
  const moved = await context.tasks.transition(record.id, state, detail, changes);
  // While its conditions are still being checked there is nothing to take up yet.
  if (state.status !== 'verifying') context.follower.handedOff(handoff);
  return moved;
}

/** Of this attempt, or of the one whose result it carries on. */
async function earlierHandoff(context: Context, record: TaskRecord, result: Result | null): Promise<Handoff | null> {
  for (const attempt of [record.attempts, result?.attempt ?? record.attempts, record.attempts - 1]) {
    const text = await readIfThere(join(context.layout.attempt(record, attempt), handoffFile));
    const handoff = text === null ? null : parseHandoff(Buffer.from(text));
    if (handoff !== null && (attempt === record.attempts || handoff.status === 'review')) return handoff;
  }
  return null;
}

async function agentWords(context: Context, record: TaskRecord, result: Result | null): Promise<string | null> {
  const own = await readIfThere(join(context.layout.attempt(record), agentHandoffFile));
  if (own !== null || result === null) return own;
  return await readIfThere(join(context.layout.attempt(record, result.attempt), agentHandoffFile));
}

async function metPreconditions(folder: string): Promise<readonly NamedCheck[]> {
  const text = await readIfThere(join(folder, preconditionsFile));
  return text === null ? [] : z.array(NamedCheck).parse(JSON.parse(text));
}

/** What a task in this state has come to. */
export function resultOf(state: NewState): Result | null {
  return 'result' in state ? state.result : null;
}

async function changedFiles(diffs: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const text = await readIfThere(join(diffs, 'index.json'));
  if (text === null) return new Map();
  const index = DiffIndex.safeParse(parseJson(text));
  // Somebody changed it: a merge says so; here only names are missing.
  if (!index.success) return new Map();
  return new Map(index.data.repositories.map(({ name, files }) => [name, files.map(({ path }) => path)]));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
