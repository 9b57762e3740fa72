import { randomBytes } from 'node:crypto';
import { lchown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HouseNote, houseNotes, MovedMark, movedFile } from '@countersign/contracts/house.ts';
import { exists, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from '../folder.ts';
import type { Places } from './places.ts';

type Exported = {
  /** SHA-256 of the archive. */
  readonly archive: string;
  readonly withWorkspaces: boolean;
  /** The house goes on elsewhere: nothing of it is to start here. */
  readonly left: boolean;
  readonly now: Date;
};

/** Tells the runner that the house was exported, once the archive is whole; and marks it where it goes on elsewhere. */
export async function noteExport(
  places: Places,
  owner: Owner,
  { archive, withWorkspaces, left, now }: Exported,
): Promise<void> {
  const id = randomBytes(16).toString('hex');
  const at = now.toISOString();
  const folder = join(places.home, 'runs', houseNotes);
  const note = HouseNote.parse({
    version: 1,
    kind: 'exported',
    id,
    at,
    archive,
    with_workspaces: withWorkspaces,
    left,
  });
  if (left) {
    const mark = MovedMark.parse({ version: 1, at, archive });
    await writeFileAtomic(join(places.home, movedFile), JSON.stringify(mark), 0o644);
  }
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await lchown(folder, owner.uid, owner.gid);
  const path = join(folder, `${id}.json`);
  await writeFileAtomic(path, JSON.stringify(note), 0o644);
  // The runner takes it away again.
  await lchown(path, owner.uid, owner.gid);
}

/** The house goes on here after all. Returns whether it was marked. */
export async function takeBack(places: Places): Promise<boolean> {
  const path = join(places.home, movedFile);
  const wasMarked = await exists(path);
  await rm(path, { force: true });
  await syncFolder(places.home);
  return wasMarked;
}
