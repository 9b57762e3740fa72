import { lchown } from 'node:fs/promises';
import { join } from 'node:path';
import { HomeSentinel, homeFormat, homeSentinelFile } from '@countersign/contracts/home.ts';
import { versioned } from '@countersign/contracts/versioned.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import type { Owner } from './folder.ts';
import { InitError } from './init-error.ts';
import { readRegularFile } from './regular-file.ts';

/** What an earlier version wrote is brought up to date; the file says the same things since the first. */
const AnyHomeSentinel = versioned(HomeSentinel, homeFormat, { 1: (sentinel) => sentinel });
const Written = z.looseObject({ version: z.int().positive() });

/** @param writtenAs the version that stands in the file */
export type FoundSentinel = HomeSentinel & { readonly writtenAs: number };

const sentinelPath = (volumes: string) => join(volumes, homeSentinelFile);

/**
 * What an earlier start recorded; null when there was none.
 * @throws InitError when the file is damaged or of a newer version, or the folders belong to other ids than this start runs with
 */
export async function readSentinel(volumes: string, owner: Owner): Promise<FoundSentinel | null> {
  const path = sentinelPath(volumes);
  const text = await readRegularFile(path);
  if (text === null) return null;
  const sentinel = parseSentinel(path, text);
  if (sentinel.uid !== owner.uid || sentinel.gid !== owner.gid) throw new InitError(foreignIds(path, sentinel, owner));
  return sentinel;
}

export async function writeSentinel(volumes: string, sentinel: HomeSentinel): Promise<void> {
  const path = sentinelPath(volumes);
  await writeFileAtomic(path, sentinelText(sentinel), 0o644);
  await lchown(path, sentinel.uid, sentinel.gid);
}

export function sentinelText(sentinel: HomeSentinel): string {
  return `${JSON.stringify(HomeSentinel.parse(sentinel), null, 2)}\n`;
}

/** @throws InitError when it is damaged, or was written by a newer version */
export function parseSentinel(path: string, text: string): FoundSentinel {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, cause);
  }
  const written = Written.safeParse(value);
  if (written.success && written.data.version > homeFormat)
    throw new InitError(
      `${path} is of format ${written.data.version}, which a newer Countersign wrote; this one knows ${homeFormat}. Nothing was changed: start the newer version.`,
    );
  const parsed = AnyHomeSentinel.safeParse(value);
  if (!parsed.success || !written.success) throw damaged(path, parsed.error);
  return { ...parsed.data, writtenAs: written.data.version };
}

function damaged(path: string, cause: unknown): InitError {
  return new InitError(
    `${path} is damaged, so nobody can say whose these folders are. Restore it; or remove it, and the folders are given to the ids of this start.`,
    { cause },
  );
}

function foreignIds(path: string, { uid, gid }: Owner, asked: Owner): string {
  return [
    `These folders belong to ${uid}:${gid} (recorded in ${path}), and this start asks for ${asked.uid}:${asked.gid}. Nothing was changed.`,
    'Start with scripts/up: it knows the ids, which a plain `docker compose` does not read from .env.local',
    '(`docker compose --env-file .env --env-file .env.local up` does).',
    `To give everything to ${asked.uid}:${asked.gid} instead: stop the stack, chown the folder's content, remove ${path}, start again.`,
  ].join('\n');
}
