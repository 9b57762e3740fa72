import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { checkPatch, DiffViewError, readDiffIndex } from '@countersign/kit/diff-view.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { cliLimits } from '../limits.ts';
import type { Told } from './audit-journal.ts';
import type { Findings } from './finding.ts';

/**
 * A task's files against what its journal says: its record, the bundle that an approval was asked for, its saved diff. Returns
 * the journal's record; null where that is none.
 */
export async function auditTask(
  volumes: string,
  journal: string,
  { record: value, line, digest }: Told,
  { findings, notes }: Findings,
): Promise<TaskRecord | null> {
  const parsed = TaskRecord.safeParse(value);
  if (!parsed.success) {
    findings.push({ path: journal, line, what: 'the record of its task cannot be read' });
    return null;
  }
  const record = parsed.data;
  const path = `${taskFolder(record)}/task.json`;
  const stored = await readJson(volumes, path);
  if (stored === null) findings.push({ path, line: null, what: `it is missing, and ${journal}:${line} tells of it` });
  else {
    const read = TaskRecord.safeParse(stored.value);
    if (!read.success) findings.push({ path, line: null, what: 'not a record of a task' });
    else if (canonicalJson(read.data) !== canonicalJson(record))
      findings.push({ path, line: null, what: `it differs from what ${journal}:${line} says` });
  }
  const asked = expectedBundle(record, digest);
  if (asked !== null) await auditBundle(volumes, `${taskFolder(record)}/bundle.json`, asked, findings);
  if ('result' in record.state && record.state.result !== null)
    await auditDiff(volumes, record, record.state.result, { findings, notes });
  return record;
}

/** Null while another one may just be in the making, and where nobody was asked. */
function expectedBundle({ state }: TaskRecord, digest: string | null): string | null {
  if (state.status === 'queued' || state.status === 'planning') return null;
  if (state.status === 'pending') return state.digest;
  if (state.status === 'approved') return state.approval.digest;
  return digest;
}

async function auditBundle(
  volumes: string,
  path: string,
  digest: string,
  findings: Findings['findings'],
): Promise<void> {
  const stored = await readJson(volumes, path);
  if (stored === null) {
    findings.push({ path, line: null, what: `it is missing, and an approval of ${digest.slice(0, 8)} was asked for` });
    return;
  }
  const bundle = Bundle.safeParse(stored.value);
  if (!bundle.success || bundleDigest(bundle.data) !== digest)
    findings.push({ path, line: null, what: `not what an approval of ${digest.slice(0, 8)} was asked for` });
}

async function auditDiff(
  volumes: string,
  record: TaskRecord,
  result: { readonly attempt: number; readonly digest: string },
  { findings, notes }: Findings,
): Promise<void> {
  const folder = `${taskFolder(record)}/attempts/${result.attempt}`;
  const path = `${folder}/diffs/index.json`;
  try {
    const { index } = await readDiffIndex(volumes, folder, result.digest);
    for (const { patch } of index.repositories)
      if (patch.bytes <= cliLimits.auditPatchBytes) await checkPatch(volumes, folder, patch);
      else
        notes.push({ path: `${folder}/diffs/${patch.file}`, line: null, what: `not compared: ${patch.bytes} bytes` });
  } catch (error) {
    if (!(error instanceof DiffViewError)) throw error;
    findings.push({ path, line: null, what: error.message.replaceAll('\n', ' ') });
  }
}

/** Null when there is none that can be read. */
export async function readRecord(volumes: string, path: string): Promise<TaskRecord | null> {
  const parsed = TaskRecord.safeParse((await readJson(volumes, path))?.value);
  return parsed.success ? parsed.data : null;
}

/** Null when it is missing; `value` is undefined when it is no JSON. */
async function readJson(volumes: string, path: string): Promise<{ readonly value: unknown } | null> {
  try {
    return { value: JSON.parse(await readFile(join(volumes, path), 'utf8')) };
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof SyntaxError) return { value: undefined };
    throw error;
  }
}
