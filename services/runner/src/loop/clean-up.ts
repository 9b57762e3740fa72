import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { findRemovable, isRemovablePath } from '@countersign/kit/removable.ts';
import type { Context } from '../context.ts';

export type CleanedUp = { readonly items: number; readonly bytes: number };

/** Removes what ended tasks have no more use for; work is never among it, and no workspace is touched. */
export async function cleanUp(context: Context, olderThanDays: number): Promise<CleanedUp> {
  const { layout, tasks, now } = context;
  const { removable } = await findRemovable(layout.home, tasks.all(), olderThanDays, now());
  let bytes = 0;
  for (const { path, bytes: size } of removable) {
    if (!isRemovablePath(path)) continue;
    await rm(join(layout.home, path), { recursive: true, force: true });
    bytes += size;
  }
  return { items: removable.length, bytes };
}
