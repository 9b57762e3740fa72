import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRow } from '@countersign/contracts/page-api.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { NotRegularError, openRegularFile } from '@countersign/kit/regular-file.ts';
import { z } from 'zod';

const names = [
  { kind: 'context', pattern: /^context\.md$/ },
  { kind: 'plan', pattern: /^plan\.md$/ },
  { kind: 'summary', pattern: /^agent-summary\.md$/ },
  { kind: 'handoff', pattern: /^(?:agent-)?handoff\.yaml$/ },
  { kind: 'log', pattern: /^(?:(?:plan|preconditions|postconditions|rebase)\.)?std(?:out|err)\.log$/ },
  { kind: 'diff', pattern: /^diffs\/(?:index\.json|[A-Za-z0-9_][A-Za-z0-9._-]{0,150}\.patch)$/ },
  { kind: 'artifact', pattern: /^artifacts\/(?:0|[1-9]\d{0,3})$/ },
] as const satisfies readonly { readonly kind: ArtifactRow['kind']; readonly pattern: RegExp }[];

/** A file of an attempt's folder, relative to it: one of our own names, of which none leads out of it. */
export const ArtifactName = z
  .string()
  .max(200)
  .refine((name) => kindOf(name) !== null, 'not the name of a file that an attempt leaves');

/** Null for a name that is none of ours. */
export function kindOf(name: string): ArtifactRow['kind'] | null {
  return names.find(({ pattern }) => pattern.test(name))?.kind ?? null;
}

/** The files of an attempt that can be read, by our own names for them, at most so many. @param folder relative to `volumes/` */
export async function listArtifacts(volumes: string, folder: string, limit: number): Promise<ArtifactRow[]> {
  const inside = await Promise.all(
    ['', 'diffs/', 'artifacts/'].map(async (below) => {
      const found = await readdir(join(volumes, folder, below)).catch((error: unknown) => {
        if (isMissing(error)) return [];
        throw error;
      });
      return found.map((name) => `${below}${name}`);
    }),
  );
  const wanted = inside
    .flat()
    .filter((name) => kindOf(name) !== null)
    .sort()
    .slice(0, limit);
  const rows: ArtifactRow[] = [];
  for (const name of wanted) {
    const row = await lookAt(volumes, folder, name);
    if (row !== null) rows.push(row);
  }
  return rows;
}

/** Null for what is not there, or is no file. @param name parsed by `ArtifactName` */
async function lookAt(volumes: string, folder: string, name: string): Promise<ArtifactRow | null> {
  const kind = kindOf(name);
  if (kind === null) return null;
  try {
    await using file = await openRegularFile(join(volumes, folder, name), volumes);
    const { size, mtime } = await file.stat();
    return { name, kind, bytes: size, modified_at: mtime.toISOString() };
  } catch (error) {
    if (isMissing(error) || error instanceof NotRegularError) return null;
    throw error;
  }
}
