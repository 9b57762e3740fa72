import { join } from 'node:path';
import { outputNames } from '@countersign/contracts/attempt-files.ts';
import { inertLines } from '@countersign/contracts/inert-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { NotRegularError, readFileEnd } from '@countersign/kit/regular-file.ts';
import { attemptFolder } from '@countersign/kit/review-view.ts';
import { listenerLimits } from '../limits.ts';

type Output = { readonly name: string; readonly bytes: Buffer; readonly size: number; readonly modifiedAt: Date };

/** The end of the output that was written last, in whole lines, each inert; `others` are those that hold something as well. */
export type OutputEnd = {
  readonly name: string;
  readonly size: number;
  readonly lines: readonly string[];
  readonly others: readonly { readonly name: string; readonly size: number }[];
};

/** Of a task's newest attempt; null while nothing was written. All of it is an attacker's text. @throws Error of the disk */
export async function readOutputEnd(volumes: string, record: TaskRecord): Promise<OutputEnd | null> {
  if (record.attempts === 0) return null;
  const folder = attemptFolder(record, record.attempts);
  const names = Object.values(outputNames).flatMap(({ stdout, stderr }) => [stdout, stderr]);
  const read = await Promise.all(names.map((name) => readEnd(volumes, folder, name)));
  const [newest, ...others] = read
    .filter((output) => output !== null)
    .filter(({ size }) => size > 0)
    .sort((a, b) => b.modifiedAt.getTime() - a.modifiedAt.getTime());
  if (newest === undefined) return null;
  const lines = inertLines(newest.bytes.toString('utf8').toWellFormed());
  // Where the reading began is seldom where a line does.
  const isCut = newest.size > newest.bytes.length && lines.length > 1;
  return {
    name: newest.name,
    size: newest.size,
    lines: isCut ? lines.slice(1) : lines,
    others: others.map(({ name, size }) => ({ name, size })),
  };
}

async function readEnd(volumes: string, folder: string, name: string): Promise<Output | null> {
  try {
    return { name, ...(await readFileEnd(join(volumes, folder, name), listenerLimits.outputEndBytes, volumes)) };
  } catch (error) {
    if (isMissing(error) || error instanceof NotRegularError) return null;
    throw error;
  }
}
