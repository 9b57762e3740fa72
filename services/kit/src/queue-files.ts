import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRefusal, refusalSuffix } from '@countersign/contracts/refused-file.ts';
import { errorFileName, isConflictCopy, isTaskFileName } from '@countersign/contracts/task-file/file-name.ts';
import type { StatusRow } from '@countersign/contracts/task-record.ts';
import { isMissing, namesIn } from './files.ts';
import { NotRegularError, readFileStart } from './regular-file.ts';

/** Enough for the list of problems that a refusal tells. */
const refusalBytes = 256 * 1024;

/** Files in the inbox that the runner has not made into tasks yet. */
export async function untakenFiles(volumes: string, taken: ReadonlySet<string>): Promise<StatusRow[]> {
  const inbox = join(volumes, 'inbox');
  const names = (await namesIn(inbox)).filter(
    (name) => (isTaskFileName(name) && !taken.has(name)) || isConflictCopy(name),
  );
  return await rowsOf(names, async (file) => ({
    task: null,
    file,
    ...nothingKnown,
    ...(isConflictCopy(file)
      ? {
          state: 'ignored',
          reason: 'a synchroniser’s conflict copy is never run; remove it, or give it a name of its own',
        }
      : { state: 'queued', reason: 'the runner has not taken this file yet' }),
    since: await changedAt(join(inbox, file)),
  }));
}

/** Files that were refused before they were tasks. */
export async function refusedFiles(volumes: string): Promise<StatusRow[]> {
  const folder = join(volumes, 'outbox', 'invalid');
  const names = await namesIn(folder);
  const fileOf = new Map(
    names.filter((name) => !name.endsWith(refusalSuffix)).map((name) => [errorFileName(name), name]),
  );
  return await rowsOf(
    names.filter((name) => name.endsWith(refusalSuffix)),
    async (name) => {
      const refusal = parseRefusal(await readStart(join(folder, name)));
      const first = refusal?.problems[0];
      return {
        task: refusal?.task ?? null,
        file: fileOf.get(name) ?? name.slice(0, -refusalSuffix.length),
        ...nothingKnown,
        state: 'invalid',
        reason: first === undefined ? `see outbox/invalid/${name}` : `line ${first.line}: ${first.message}`,
        since: await changedAt(join(folder, name)),
      };
    },
  );
}

/** Why a file was refused, as the runner wrote it. */
export async function refusalText(volumes: string, file: string): Promise<string> {
  return await readStart(join(volumes, 'outbox', 'invalid', errorFileName(file)));
}

const nothingKnown = { run: null, workspace: null, stage: null, wait: null };

/** A file that was moved on while it was looked at has no row. */
async function rowsOf(names: readonly string[], rowOf: (name: string) => Promise<StatusRow>): Promise<StatusRow[]> {
  const rows = await Promise.all(
    names.map((name) =>
      rowOf(name).catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      }),
    ),
  );
  return rows.filter((row) => row !== null);
}

async function changedAt(path: string): Promise<string> {
  return (await lstat(path)).mtime.toISOString();
}

async function readStart(path: string): Promise<string> {
  try {
    return (await readFileStart(path, refusalBytes)).bytes.toString('utf8');
  } catch (error) {
    // Whoever put another thing there than a file gets no word out of it.
    if (error instanceof NotRegularError) return '';
    throw error;
  }
}
