import { preconditionsFile } from '@countersign/contracts/attempt-files.ts';
import type { NamedCheck as Check } from '@countersign/contracts/condition.ts';
import { NamedCheck } from '@countersign/contracts/condition.ts';
import { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { Handoff } from '@countersign/contracts/handoff.ts';
import type { Attempt } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { attemptFolder } from '@countersign/kit/review-view.ts';
import { z } from 'zod';
import { listArtifacts } from '../files/attempt-folder.ts';
import { readStart, readText } from '../files/read-text.ts';
import { type AttemptRow, attemptOf } from '../index/attempt-row.ts';
import type { Database } from '../index/database.ts';
import { queryLimits } from './limits.ts';

/** What the index knows of a task's attempts, by their numbers. */
export function attemptRows(database: Database, task: number): ReadonlyMap<number, AttemptRow> {
  const rows = database.all(
    'SELECT * FROM attempts WHERE task = ? ORDER BY attempt DESC LIMIT ?',
    task,
    queryLimits.attempts,
  );
  return new Map(rows.map(attemptOf).map((row) => [row.attempt, row]));
}

/** The newest attempts of a task with what they left, the newest first. */
export async function attemptsOf(
  volumes: string,
  record: TaskRecord,
  rows: ReadonlyMap<number, AttemptRow>,
): Promise<Attempt[]> {
  const first = Math.max(1, record.attempts - queryLimits.attempts + 1);
  const attempts: Attempt[] = [];
  for (let attempt = record.attempts; attempt >= first; attempt -= 1) {
    const withDiff = record.attempts - attempt < queryLimits.diffs || resultOf(record)?.attempt === attempt;
    attempts.push(await attemptOfTask(volumes, record, attempt, rows.get(attempt), withDiff));
  }
  return attempts;
}

async function attemptOfTask(
  volumes: string,
  record: TaskRecord,
  attempt: number,
  row: AttemptRow | undefined,
  withDiff: boolean,
): Promise<Attempt> {
  const folder = attemptFolder(record, attempt);
  const text = (name: string) => readText(volumes, `${folder}/${name}`, queryLimits.textBytes);
  return {
    attempt,
    started_at: row?.startedAt ?? null,
    ended_at: row?.endedAt ?? null,
    duration_ms: row?.durationMs ?? null,
    outcome: row?.outcome ?? null,
    error_class: row?.errorClass ?? null,
    tokens: row?.tokens ?? null,
    context: await text('context.md'),
    plan: await text('plan.md'),
    agent_summary: await text('agent-summary.md'),
    handoff: await readHandoff(volumes, `${folder}/handoff.yaml`, record.id),
    diff: withDiff ? await readDiff(volumes, `${folder}/diffs/index.json`) : null,
    checks: {
      preconditions: await readChecks(volumes, `${folder}/${preconditionsFile}`),
      postconditions: postconditionsOf(record, attempt),
    },
    artifacts: await listArtifacts(volumes, folder, queryLimits.artifacts),
  };
}

/** Null for one that is not there, too large, or none of this task. */
async function readHandoff(volumes: string, path: string, task: string): Promise<Handoff | null> {
  const text = await readWhole(volumes, path, queryLimits.handoffBytes);
  if (text === null) return null;
  const parsed = parseYaml(text.toString('utf8'), Handoff);
  return parsed.ok && parsed.value.task === task ? parsed.value : null;
}

async function readDiff(volumes: string, path: string): Promise<Attempt['diff']> {
  const bytes = await readWhole(volumes, path, queryLimits.diffIndexBytes);
  const index = DiffIndex.safeParse(parseJson(bytes));
  return bytes !== null && index.success ? { digest: sha256(bytes), index: index.data } : null;
}

async function readChecks(volumes: string, path: string): Promise<Check[] | null> {
  const checks = z.array(NamedCheck).safeParse(parseJson(await readWhole(volumes, path, queryLimits.conditionsBytes)));
  return checks.success ? checks.data : null;
}

async function readWhole(volumes: string, path: string, limit: number): Promise<Buffer | null> {
  const start = await readStart(volumes, path, limit);
  return start === null || start.size > limit ? null : start.bytes;
}

function parseJson(bytes: Buffer | null): unknown {
  try {
    return bytes === null ? null : JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

function resultOf({ state }: TaskRecord) {
  return 'result' in state ? state.result : null;
}

/** They are kept with the result that they were checked on. */
function postconditionsOf(record: TaskRecord, attempt: number): Check[] | null {
  const result = resultOf(record);
  const verification =
    result?.attempt === attempt
      ? result.verification
      : result === null && record.state.status === 'done' && attempt === record.attempts
        ? record.state.verification
        : null;
  return verification === null || verification.status === 'unverified' ? null : verification.checks;
}
