import { join } from 'node:path';
import type { DiffIndex } from '@countersign/contracts/diff-index.ts';
import { Handoff } from '@countersign/contracts/handoff.ts';
import { type Result, type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { readDiffIndex } from './diff-view.ts';
import { isMissing } from './files.ts';
import { openRegularFile } from './regular-file.ts';

export type Review = TaskRecord & { readonly state: { readonly status: 'review' } };

export function isReview(record: TaskRecord): record is Review {
  return record.state.status === 'review';
}

/** What a merge would bring, checked against its digest. All text in it is somebody else's: whoever shows it makes it inert. */
export type ReviewView = {
  readonly index: DiffIndex;
  /** Of the attempt that made the result; null when there is none that can be read. */
  readonly handoff: Handoff | null;
};

/** A handoff as it lies there, and as it reads; `parsed` is null for what is none of ours. */
export type SavedHandoff = { readonly path: string; readonly text: string; readonly parsed: Handoff | null };

const handoffBytes = 1024 * 1024;

/** An attempt's folder, relative to `volumes/`. */
export function attemptFolder(record: Pick<TaskRecord, 'run' | 'id'>, attempt: number): string {
  return `${taskFolder(record)}/attempts/${attempt}`;
}

/**
 * Reads what a result's digest names. The handoff is no part of that: one that cannot be read hinders nothing.
 * @param volumes the folder that holds `runs/`
 * @throws DiffViewError when the saved diff is not the one of the digest: nobody may merge what he is not shown
 */
export async function readReviewView(
  volumes: string,
  record: Pick<TaskRecord, 'run' | 'id'>,
  result: Result,
): Promise<ReviewView> {
  const { index } = await readDiffIndex(volumes, attemptFolder(record, result.attempt), result.digest);
  const handoff = await readHandoff(volumes, record, result.attempt).catch(() => null);
  return { index, handoff: handoff?.parsed ?? null };
}

/** The handoff of one attempt; null when there is none. @throws Error when it is larger than any can be or the disk does not give it */
export async function readHandoff(
  volumes: string,
  record: Pick<TaskRecord, 'run' | 'id'>,
  attempt: number,
): Promise<SavedHandoff | null> {
  const path = `${attemptFolder(record, attempt)}/handoff.yaml`;
  try {
    await using file = await openRegularFile(join(volumes, path), volumes);
    const { size } = await file.stat();
    if (size > handoffBytes)
      throw new Error(`${path} has ${size} bytes, more than the ${handoffBytes} that it can have`);
    const text = await file.readFile('utf8');
    const parsed = parseYaml(text, Handoff);
    return { path, text, parsed: parsed.ok && parsed.value.task === record.id ? parsed.value : null };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
