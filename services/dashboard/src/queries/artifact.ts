import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type ArtifactRow, pageLimits } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { NotRegularError, openRegularFile } from '@countersign/kit/regular-file.ts';
import { attemptFolder } from '@countersign/kit/review-view.ts';
import { kindOf } from '../files/attempt-folder.ts';
import { QueryError } from './query-error.ts';

/** A file of an attempt that is open: `stream` yields its bytes from `start` to `end` and closes it. */
export type OpenedArtifact = ArtifactRow & {
  readonly start: number;
  readonly end: number;
  readonly stream: () => Readable;
  readonly close: () => Promise<void>;
};

/** @param asked its name parsed by `ArtifactName`; `start` may be negative, and counts from the end then */
export async function openArtifact(
  volumes: string,
  record: TaskRecord,
  asked: { readonly attempt: number; readonly name: string; readonly start: number; readonly bytes: number },
): Promise<OpenedArtifact> {
  const { attempt, name } = asked;
  const kind = kindOf(name);
  if (kind === null || attempt > record.attempts) throw notThere(name);
  try {
    const file = await openRegularFile(join(volumes, attemptFolder(record, attempt), name), volumes);
    const { size, mtime } = await file.stat();
    const start = Math.min(size, asked.start < 0 ? Math.max(0, size + asked.start) : asked.start);
    const end = Math.min(size, start + Math.min(asked.bytes, pageLimits.fileBytes));
    return {
      name,
      kind,
      bytes: size,
      modified_at: mtime.toISOString(),
      start,
      end,
      stream: () => {
        if (end > start) return file.createReadStream({ start, end: end - 1, autoClose: true });
        void file.close();
        return Readable.from([]);
      },
      close: () => file.close(),
    };
  } catch (cause) {
    if (isMissing(cause) || cause instanceof NotRegularError) throw notThere(name, cause);
    throw cause;
  }
}

function notThere(name: string, cause?: unknown): QueryError {
  return new QueryError('not_found', `the attempt left no ${name}, or it was cleaned up`, { cause });
}
