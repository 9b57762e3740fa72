import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndFrame } from '@countersign/contracts/frames.ts';
import { resultLimits } from '@countersign/contracts/limits.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { GitError } from '../git/git.ts';
import { adoptResult, quarantineResult } from '../git/import-result.ts';
import { saveDiff, saveDiffIndex } from '../git/save-diff.ts';
import type { Delivery } from '../sandbox/exchange.ts';
import type { Grounds } from './assignment.ts';
import type { Activity } from './attempt.ts';
import { completionOf, failTask, hasFileChanged, requeueChanged, saidBySandbox } from './end-task.ts';
import { summaryText } from './summary-text.ts';

type Imported = { readonly ok: true; readonly result: Result | null } | { readonly ok: false; readonly reason: string };

/**
 * Saves what a run brought: summary, artifacts, diffs, the result under `refs/agentic/`, in this order, and only then moves the
 * task on. Safe to repeat from the start after a death at any point.
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
  const imported = await context.imports.run(() => importResult(context, record, grounds, delivery, leave));
  await saveArtifacts(folder, delivery);
  await writeFileAtomic(
    join(folder, 'agent-summary.md'),
    summaryText(record, delivery, imported.ok ? imported.result : null),
  );
  if (delivery.handoff !== null) await writeFileAtomic(join(folder, 'handoff.md'), delivery.handoff);
  // The keeper may have seen it meanwhile, or not yet: what is filed as ended must hold what was run.
  if (activity.reason === 'file_changed' || (await hasFileChanged(context, record)))
    return requeueChanged(context, record, 'run');
  if (!imported.ok)
    return failTask(context, record, 'result_refused', `the result was refused: ${imported.reason}`, end);
  if (imported.result !== null) {
    await context.tasks.note(record.id, {
      event: 'result_imported',
      phase: 'import',
      agent_role: 'runner',
      summary: describeResult(imported.result),
      data: { digest: imported.result.digest },
    });
  }
  if (activity.reason === 'timeout')
    return failTask(
      context,
      record,
      'timeout',
      `stopped after ${record.timeout_sec} s; what was done so far is kept`,
      end,
      imported.result,
    );
  if (end.reason !== 'finished' || end.exit_code !== 0) {
    return failTask(context, record, end.error_class ?? 'tool_failed', saidBySandbox(end), end, imported.result);
  }
  await endWell(context, record, end, imported.result);
}

async function endWell(context: Context, record: TaskRecord, end: EndFrame, result: Result | null): Promise<void> {
  const since = context.now().toISOString();
  const completion = completionOf(context, record, end, 'run');
  if (result === null) {
    await context.tasks.transition(
      record.id,
      { status: 'done', since, reason: 'ended without a change to the repository', result: null },
      { event: 'task_ended', phase: 'run', agent_role: 'runner', summary: 'done; nothing to merge', ...completion },
    );
    return;
  }
  await context.tasks.transition(
    record.id,
    {
      status: 'review',
      since,
      reason: `waits for review of ${result.digest.slice(0, 8)}: ${describeResult(result)}`,
      result,
    },
    {
      event: 'review_requested',
      phase: 'review',
      agent_role: 'runner',
      summary: describeResult(result),
      data: { digest: result.digest },
      ...completion,
    },
  );
}

async function importResult(
  context: Context,
  record: TaskRecord,
  grounds: Grounds,
  delivery: Delivery,
  leave: AbortSignal,
): Promise<Imported> {
  const bundle = delivery.end.bundles[0];
  if (bundle === undefined) return { ok: true, result: null };
  if (bundle.repository !== 0 || delivery.end.bundles.length > 1)
    return { ok: false, reason: 'a result for a repository that the task does not have' };
  const folder = context.layout.attempt(record);
  const scratch = join(folder, 'quarantine');
  const { repository, base } = grounds;
  const signal = AbortSignal.any([leave, AbortSignal.timeout(resultLimits.importMs)]);
  try {
    const quarantine = await quarantineResult(scratch, delivery.bundlePath(0), repository, base.head, signal);
    if (!quarantine.ok) return quarantine;
    if (quarantine.tip !== bundle.head) return { ok: false, reason: 'the bundle holds another commit than announced' };
    const diffs = join(folder, 'diffs');
    const saved = await saveDiff(
      quarantine.folder,
      diffs,
      repository.name,
      base.branch,
      base.head,
      quarantine.tip,
      signal,
    );
    if (saved.files === 0) return { ok: true, result: null };
    const ref = `refs/agentic/${record.run}/${record.id}`;
    await adoptResult(quarantine, repository, ref, signal);
    const { patch: _patch, ...change } = saved;
    return { ok: true, result: { repositories: [{ ...change, ref }], digest: await saveDiffIndex(diffs, [saved]) } };
  } catch (error) {
    if (leave.aborted || !(error instanceof GitError)) throw error;
    return { ok: false, reason: error.message };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function saveArtifacts(folder: string, delivery: Delivery): Promise<void> {
  if (delivery.end.artifacts.length === 0) return;
  const artifacts = join(folder, 'artifacts');
  await mkdir(artifacts, { recursive: true });
  for (const index of delivery.end.artifacts.keys())
    await copyFile(delivery.artifactPath(index), join(artifacts, String(index)));
  await syncFolder(artifacts);
}

function describeResult(result: Result): string {
  return result.repositories
    .map(
      (repository) =>
        `${repository.name}: ${repository.files} ${repository.files === 1 ? 'file' : 'files'}, +${repository.insertions} -${repository.deletions}`,
    )
    .join('; ');
}
