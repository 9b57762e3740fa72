import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { readRegularFile } from '../queue/observe.ts';

/** The workspace's own plan, used when a task file has no body. */
export const specPath = '.project/specs/execution-plan.md';

export type Objective = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly reason: string };

/** What a task is to do. The workspace's plan is read without following links, for a merged change could have planted one. */
export async function readObjective(workspace: string, file: TaskFile): Promise<Objective> {
  if (file.body !== '') return { ok: true, text: file.body };
  const path = join(workspace, specPath);
  try {
    if ((await realpath(dirname(path))) !== dirname(path)) return { ok: false, reason: 'lies behind a symbolic link' };
    const read = await readRegularFile(path);
    if (!read.ok) return { ok: false, reason: read.reason };
    const text = new TextDecoder('utf-8', { fatal: true }).decode(read.bytes).trim();
    return text === '' ? { ok: false, reason: 'is empty' } : { ok: true, text };
  } catch (error) {
    if (isMissing(error)) return { ok: false, reason: 'does not exist' };
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'ELOOP' || code === 'EACCES') return { ok: false, reason: `cannot be reached (${code})` };
    if (error instanceof TypeError) return { ok: false, reason: 'is not UTF-8 text' };
    throw error;
  }
}
