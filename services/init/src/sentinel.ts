import { lchown } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import type { Owner } from './folder.ts';
import { InitError } from './init-error.ts';
import { readRegularFile } from './regular-file.ts';

/** `.countersign.json` in the operator's folder: whose it is, and what was made there once and is not made again. */
const Sentinel = z.strictObject({
  version: z.literal(1),
  /** Tells this home from another one, and from an empty folder mounted by mistake. */
  id: z.uuid(),
  uid: z.int().positive(),
  gid: z.int().positive(),
  /** Example workspaces that were made, or found; one that the operator removes stays away. */
  workspaces: z.array(z.string()),
});
export type Sentinel = z.infer<typeof Sentinel>;

const sentinelPath = (volumes: string) => join(volumes, '.countersign.json');

/**
 * What an earlier start recorded; null when there was none.
 * @throws InitError when the file is damaged, or the folders belong to other ids than this start runs with
 */
export async function readSentinel(volumes: string, owner: Owner): Promise<Sentinel | null> {
  const path = sentinelPath(volumes);
  const text = await readRegularFile(path);
  if (text === null) return null;
  const sentinel = parse(path, text);
  if (sentinel.uid !== owner.uid || sentinel.gid !== owner.gid) throw new InitError(foreignIds(path, sentinel, owner));
  return sentinel;
}

export async function writeSentinel(volumes: string, sentinel: Sentinel): Promise<void> {
  const path = sentinelPath(volumes);
  await writeFileAtomic(path, `${JSON.stringify(sentinel, null, 2)}\n`, 0o644);
  await lchown(path, sentinel.uid, sentinel.gid);
}

function parse(path: string, text: string): Sentinel {
  try {
    return Sentinel.parse(JSON.parse(text));
  } catch (cause) {
    throw new InitError(
      `${path} is damaged, so nobody can say whose these folders are. Restore it; or remove it, and the folders are given to the ids of this start.`,
      { cause },
    );
  }
}

function foreignIds(path: string, { uid, gid }: Owner, asked: Owner): string {
  return [
    `These folders belong to ${uid}:${gid} (recorded in ${path}), and this start asks for ${asked.uid}:${asked.gid}. Nothing was changed.`,
    'Start with scripts/up: it knows the ids, which a plain `docker compose` does not read from .env.local',
    '(`docker compose --env-file .env --env-file .env.local up` does).',
    `To give everything to ${asked.uid}:${asked.gid} instead: stop the stack, chown the folder's content, remove ${path}, start again.`,
  ].join('\n');
}
