import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import { memoryLimits } from './memory-limits.ts';
import { readMaterial } from './read-material.ts';

const Followed = z.strictObject({ version: z.literal(1), tasks: z.record(z.string(), z.string()) });
const fileName = 'countersign-followed.json';
const fileBytes = 16 * 1024 * 1024;

/**
 * Which state of which run each durable task's status was last set from. A status that a person set since then stays, until its
 * run moves on. Without this file nothing is lost: statuses are set once more.
 */
export async function readFollowed(folder: string): Promise<Map<string, string>> {
  const read = await readMaterial(join(folder, '.git', fileName), fileBytes);
  if (read.status !== 'read') return new Map();
  try {
    return new Map(Object.entries(Followed.parse(JSON.parse(read.material.bytes.toString('utf8'))).tasks));
  } catch {
    return new Map();
  }
}

export async function saveFollowed(folder: string, followed: ReadonlyMap<string, string>): Promise<void> {
  const newest = [...followed].slice(-memoryLimits.queuedTasks);
  await writeFileAtomic(
    join(folder, '.git', fileName),
    JSON.stringify({ version: 1, tasks: Object.fromEntries(newest) }),
  );
}
