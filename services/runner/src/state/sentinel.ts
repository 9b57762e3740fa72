import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { HomeSentinel, homeFormat, homeSentinelFile } from '@countersign/contracts/home.ts';
import { isMissing } from '@countersign/kit/files.ts';

const sentinelBytes = 64 * 1024;

type ReadSentinel =
  | { readonly ok: true; readonly sentinel: HomeSentinel }
  | { readonly ok: false; readonly reason: string };

/** Whose home this is; or why that cannot be told, with what to do about it. @param path of the sentinel file */
export async function readSentinel(path: string): Promise<ReadSentinel> {
  const text = await readText(path);
  if (text === null)
    return refused(
      `there is no ${homeSentinelFile}: another folder, or an empty one, is mounted in place of the operator's. Mount the right one; scripts/up prepares a new one.`,
    );
  const value = parseJson(text);
  const version = versionOf(value);
  if (version !== null && version > homeFormat)
    return refused(
      `${homeSentinelFile} has version ${version}, and this Countersign knows ${homeFormat}: a newer one has worked here. Use that one.`,
    );
  if (version !== null && version < homeFormat)
    return refused(
      `${homeSentinelFile} has version ${version}, which is older than ${homeFormat}: scripts/up brings it up to date.`,
    );
  const parsed = HomeSentinel.safeParse(value);
  if (!parsed.success)
    return refused(`${homeSentinelFile} is damaged, so nobody can say whose this is. Restore it from a backup.`);
  return { ok: true, sentinel: parsed.data };
}

function refused(reason: string): ReadSentinel {
  return { ok: false, reason };
}

/** No link is followed and no pipe waited for. Null when there is nothing. */
async function readText(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) return '';
      const { buffer, bytesRead } = await file.read(Buffer.alloc(sentinelBytes), 0, sentinelBytes, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') return '';
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function versionOf(value: unknown): number | null {
  return typeof value === 'object' && value !== null && 'version' in value && typeof value.version === 'number'
    ? value.version
    : null;
}
