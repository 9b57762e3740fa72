import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Verification } from '@countersign/contracts/condition.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { ObjectId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { Repository } from '../git/repository.ts';
import { frameWithoutModel } from '../sandbox/frame-without-model.ts';
import { type Activity, talk } from './attempt.ts';
import type { Unusable } from './grounds.ts';
import { packSources } from './pack-sources.ts';
import { useSlot } from './use-slot.ts';

type Checks = {
  readonly conditions: readonly string[];
  /** Exactly these commits are looked at. */
  readonly commits: readonly { readonly repository: Repository; readonly head: ObjectId }[];
  readonly purpose: 'preconditions' | 'postconditions';
};
export type Conditions =
  | { readonly ok: true; readonly verification: Verification & { readonly status: 'verified' | 'failed' } }
  | Unusable;

/**
 * Runs conditions in a fresh sandbox without a model, on exactly these commits; only their exit codes count. A sandbox that was
 * lost is `sandbox_lost`, and nothing is known then. Nothing of it is kept but the output.
 */
export async function checkConditions(
  context: Context,
  record: TaskRecord,
  { conditions, commits, purpose }: Checks,
  profile: Profile,
  activity: Activity,
  leave: AbortSignal,
): Promise<Conditions> {
  const packed = await packSources(context, commits, profile);
  if (!packed.ok) return packed;
  const task = frameWithoutModel({
    task: record.id,
    mode: 'verify',
    conditions: [...conditions],
    repositories: packed.repositories,
  });
  const assignment = { task, texts: [], packs: packed.packs };
  const slot = await context.pool.acquireWithoutModel(profile, record.workspace);
  const since = context.now().toISOString();
  let said: Conditions = lost('the sandbox was not used');
  await useSlot(context, slot, leave, async () => {
    const outcome = await talk(context, record, slot, { assignment, mayAssign: true, purpose, since }, activity, leave);
    if (outcome.ok) {
      said = judge(conditions, outcome.delivery.end.checks ?? [], outcome.delivery.end.message);
      await outcome.acknowledge();
    } else said = lost(outcome.reason);
  });
  await rm(join(context.layout.attempt(record), 'incoming'), { recursive: true, force: true });
  return said;
}

/** A sandbox that answers another number of conditions than it was asked has answered none. */
function judge(
  conditions: readonly string[],
  checks: readonly { exit_code: number | null; duration_ms: number }[],
  message: string,
): Conditions {
  if (checks.length !== conditions.length)
    return lost(`the conditions were not checked; the sandbox says: ${JSON.stringify(message)}`);
  const named = conditions.map((command, index) => ({
    command: shorten(command),
    exit_code: checks[index]?.exit_code ?? null,
    duration_ms: checks[index]?.duration_ms ?? 0,
  }));
  const status = named.every((check) => check.exit_code === 0) ? 'verified' : 'failed';
  return { ok: true, verification: { status, checks: named } };
}

/** Records and events hold it several times, and a line of a journal has its limit; the task file has the whole of it. */
const commandCharacters = 300;

function shorten(command: string): string {
  return command.length <= commandCharacters ? command : `${command.slice(0, commandCharacters).toWellFormed()}…`;
}

function lost(reason: string): Unusable {
  return { ok: false, errorClass: 'sandbox_lost', reason };
}
