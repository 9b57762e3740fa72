import { join } from 'node:path';
import type { ShownText } from '@countersign/contracts/page-api.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { type FilePart, NotRegularError, readFileStart } from '@countersign/kit/regular-file.ts';
import { shownText } from './shown-text.ts';

/** The beginning of a file below `volumes/`; null for what is not there, or is no file, or cannot be read. */
export async function readStart(volumes: string, path: string, limit: number): Promise<FilePart | null> {
  try {
    return await readFileStart(join(volumes, path), limit, volumes);
  } catch (error) {
    if (isMissing(error) || error instanceof NotRegularError || isDenied(error)) return null;
    throw error;
  }
}

/** The same as a text that is shown. */
export async function readText(volumes: string, path: string, limit: number): Promise<ShownText | null> {
  const start = await readStart(volumes, path, limit);
  return start === null ? null : shownText(start.bytes, start.size);
}

function isDenied(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}
