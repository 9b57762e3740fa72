import { constants } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeFolder, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import type { Delivery } from '../sandbox/exchange.ts';
import { type Activity, isCancelled } from './attempt.ts';
import { cancelTask } from './cancel-task.ts';
import { concludeWork } from './conclude-work.ts';
import { completionOf, failTask, hasFileChanged, requeueChanged, saidBySandbox, unanswered } from './end-task.ts';
import { budgetClass, describeExcess } from './excess.ts';
import type { Grounds } from './grounds.ts';
import { agentHandoffFile, handOff } from './hand-off.ts';
import { describeResult, importResults } from './import-results.ts';
import { summaryText } from './summary-text.ts';

/**
 * Saves what a run brought: summary, artifacts, diffs, the result under `refs/agentic/`, in this order, and only then moves the
 * task on: to the check of its postconditions where it has any. Safe to repeat from the start after a death at any point.
 */
export async function finishRun(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  delivery: Delivery,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const { end } = delivery;
  const folder = context.layout.attempt(record);
  // What an earlier attempt came to, before somebody asked for another one, keeps its own.
  const again = record.retries === 0 ? '' : `@${record.attempts}`;
  const place = { sources: grounds.sources, ref: `refs/agentic/${record.run}/${record.id}${again}` };
  const imported = await context.imports.run(() => importResults(context, record, place, delivery, leave));
  await saveArtifacts(folder, delivery);
  await writeFileAtomic(
    join(folder, 'agent-summary.md'),
    summaryText(record, delivery, imported.ok ? imported.result : null),
  );
  if (delivery.handoff !== null) await writeFileAtomic(join(folder, agentHandoffFile), delivery.handoff);
  // The keeper may have seen it meanwhile, or not yet: what is filed as ended must hold what was run.
  if (activity.reason === 'file_changed' || (await hasFileChanged(context, record)))
    return requeueChanged(context, record, 'run');
  if (isCancelled(activity)) return cancelTask(context, record, imported.ok ? imported.result : null);
  const { excess } = activity;
  if (!imported.ok) {
    const refused = `the result was refused: ${imported.reason}`;
    if (excess === null) return failTask(context, record, 'result_refused', refused, end);
    return failTask(context, record, budgetClass(excess), `${describeExcess(excess)}; ${refused}`, end);
  }
  const { result } = imported;
  if (result !== null) {
    await context.tasks.note(record.id, {
      event: 'result_imported',
      phase: 'import',
      agent_role: 'runner',
      summary: describeResult(result),
      data: { digest: result.digest },
    });
  }
  if (excess !== null) {
    const reason = `${describeExcess(excess)}; what was done so far is kept`;
    return failTask(context, record, budgetClass(excess), reason, end, result);
  }
  if (activity.reason === 'timeout') {
    const reason = `stopped after ${record.timeout_sec} s; what was done so far is kept`;
    return failTask(context, record, 'timeout', reason, end, result);
  }
  if (activity.reason === 'unanswered')
    return failTask(context, record, 'unanswered', `${unanswered}; what was done so far is kept`, end, result);
  if (end.reason !== 'finished' || end.exit_code !== 0)
    return failTask(context, record, end.error_class ?? 'tool_failed', saidBySandbox(end), end, result);
  const conditions = grounds.file.header.postconditions?.length ?? 0;
  const completion = completionOf(context, record, end, 'run');
  if (conditions === 0)
    return concludeWork(context, record, grounds.file, { result, verification: { status: 'unverified' } }, completion);
  await handOff(
    context,
    record,
    {
      status: 'verifying',
      since: context.now().toISOString(),
      reason: `${conditions === 1 ? 'one postcondition is' : `${conditions} postconditions are`} to be checked`,
      attempt: record.attempts,
      result,
    },
    {
      event: 'verification_started',
      phase: 'verify',
      agent_role: 'runner',
      summary: result === null ? 'nothing was changed; the postconditions are checked' : describeResult(result),
      ...completion,
    },
    // What was lost before has nothing to do with what may be lost from here on.
    { interruptions: 0 },
  );
}

async function saveArtifacts(folder: string, delivery: Delivery): Promise<void> {
  if (delivery.end.artifacts.length === 0) return;
  const artifacts = join(folder, 'artifacts');
  // What lies there is of a try that was cut short, or a link of somebody's that would be written through.
  await rm(artifacts, { recursive: true, force: true });
  await makeFolder(artifacts);
  for (const index of delivery.end.artifacts.keys())
    await copyFile(delivery.artifactPath(index), join(artifacts, String(index)), constants.COPYFILE_EXCL);
  await syncFolder(artifacts);
}
