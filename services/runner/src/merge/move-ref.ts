import { constants } from 'node:fs';
import { open, rename, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { gitFolder, type MergeTarget, refParts } from './merge-target.ts';
import { reachFolder } from './reach-folder.ts';
import { readSettings } from './settings.ts';
import { storeFolder } from './store.ts';

/**
 * Writes the branch as git does itself: an entry of its log, then a rename over its file. The caller holds git's locks and has
 * read under them that the branch is at `from`. `git update-ref` is not asked, because it would have to take the locks that are
 * held, and its own, left by a death, could not be told from anybody else's: the one of HEAD is an empty file.
 * @param follows whether HEAD names the branch: its log then gets an entry too
 * @throws the file system's errors
 */
export async function moveRef(target: MergeTarget, from: ObjectId, to: ObjectId, follows: boolean): Promise<void> {
  const ref = refParts(target.branch).join('/');
  const next = join(storeFolder(target), 'ref');
  await writeFile(next, `${to}\n`);
  await using file = await open(next, 'r');
  await file.sync();
  const { reflog } = await readSettings(target.repository);
  const reason = to === target.head ? 'countersign: merge' : 'countersign: merge taken back';
  for (const log of follows ? ['logs/HEAD', `logs/${ref}`] : [`logs/${ref}`])
    await appendLog(target, log, `${from} ${to}`, reason, reflog);
  const folder = await reachFolder(gitFolder(target.repository), posix.dirname(ref), { make: true });
  if (folder === null) throw new Error(`${posix.dirname(ref)} is no folder`);
  try {
    await rename(next, join(folder.path, posix.basename(ref)));
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A log that is a link, or below one, is left alone. @param create whether a log that does not exist is made */
async function appendLog(
  target: MergeTarget,
  name: string,
  commits: string,
  reason: string,
  create: boolean,
): Promise<void> {
  const folder = await reachFolder(gitFolder(target.repository), posix.dirname(name), { make: create });
  if (folder === null) return;
  const seconds = Math.floor(Date.now() / 1000);
  const entry = `${commits} countersign <countersign@localhost> ${seconds} +0000\t${reason}\n`;
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_RDWR } = constants;
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | (create ? O_CREAT : 0);
  try {
    await using file = await open(join(folder.path, posix.basename(name)), flags, 0o644);
    const { size } = await file.stat();
    const last = Buffer.alloc(Math.min(size, entry.length));
    await file.read(last, 0, last.length, size - last.length);
    // A death between the entry and the rename leaves an entry that is already there.
    if (!last.toString('latin1').startsWith(`${commits} countersign `)) await file.writeFile(entry);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (!isMissing(error) && code !== 'ELOOP' && code !== 'EISDIR' && code !== 'ENXIO') throw error;
  } finally {
    await folder.close();
  }
}
