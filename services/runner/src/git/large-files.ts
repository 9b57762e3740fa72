import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { changedSizes } from './changed-sizes.ts';

/**
 * Above this a file is no text to a diff, in bytes. Comparing lines costs some forty bytes of memory for each, so that a pack
 * of a few hundred kB, unpacked to empty lines, would cost gigabytes. `core.bigFileThreshold` is not asked under `--binary`.
 */
const textBytes = 4 * 1024 * 1024;

/** Tells a quarantine's own attributes which changed files are too large to be compared by lines. @throws GitError */
export async function setLargeFilesApart(quarantine: string, base: ObjectId, head: ObjectId): Promise<void> {
  const sides = await changedSizes(quarantine, base, head);
  const large = new Set(sides.filter((side) => side.bytes > textBytes).map(({ name }) => name));
  const lines = [...large].map((name) => `${patternOf(name)} -diff\n`);
  await mkdir(join(quarantine, 'info'), { recursive: true });
  await writeFile(join(quarantine, 'info', 'attributes'), lines.join(''));
}

/** The pattern that matches this path alone. @param name its bytes, as latin1 */
function patternOf(name: string): string {
  const literal = name.replace(/[\\*?[\]]/g, '\\$&');
  const quoted = literal.replace(/["\\]|[^\x20-\x7e]/g, (character) =>
    character === '"' || character === '\\'
      ? `\\${character}`
      : `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  return `"/${quoted}"`;
}
