import { lchown } from 'node:fs/promises';
import { join } from 'node:path';
import { HomeSentinel, homeSentinelFile } from '@countersign/contracts/home.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from './folder.ts';
import { InitError } from './init-error.ts';
import { readRegularFile } from './regular-file.ts';

const sentinelPath = (volumes: string) => join(volumes, homeSentinelFile);

/**
 * What an earlier start recorded; null when there was none.
 * @throws InitError when the file is damaged, or the folders belong to other ids than this start runs with
 */
export async function readSentinel(volumes: string, owner: Owner): Promise<HomeSentinel | null> {
  const path = sentinelPath(volumes);
  const text = await readRegularFile(path);
  if (text === null) return null;
  const sentinel = parse(path, text);
  if (sentinel.uid !== owner.uid || sentinel.gid !== owner.gid) throw new InitError(foreignIds(path, sentinel, owner));
  return sentinel;
}

export async function writeSentinel(volumes: string, sentinel: HomeSentinel): Promise<void> {
  const path = sentinelPath(volumes);
  await writeFileAtomic(path, `${JSON.stringify(sentinel, null, 2)}\n`, 0o644);
  await lchown(path, sentinel.uid, sentinel.gid);
}

function parse(path: string, text: string): HomeSentinel {
  try {
    return HomeSentinel.parse(JSON.parse(text));
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
