import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from './git.ts';

/**
 * Above this a file is no text to a diff, in bytes. Comparing lines costs some forty bytes of memory for each, so that a pack
 * of a few hundred kB, unpacked to empty lines, would cost gigabytes. `core.bigFileThreshold` is not asked under `--binary`.
 */
const textBytes = 4 * 1024 * 1024;

/** Tells a quarantine's own attributes which changed files are too large to be compared by lines. @throws GitError */
export async function setLargeFilesApart(quarantine: string, base: ObjectId, head: ObjectId): Promise<void> {
  const raw = await git(quarantine, ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', base, head]);
  const fields = raw.toString('latin1').split('\0');
  const sides: { oid: string; name: string }[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, before = '', after = ''] = /^:\d{6} \d{6} ([0-9a-f]+) ([0-9a-f]+) /.exec(fields[index] ?? '') ?? [];
    for (const oid of [before, after]) if (!/^0+$/.test(oid)) sides.push({ oid, name: fields[index + 1] ?? '' });
  }
  const input = Buffer.from(sides.map(({ oid }) => `${oid}\n`).join(''));
  const answer = await git(quarantine, ['cat-file', '--batch-check=%(objectsize)', '--buffer'], { input });
  const sizes = answer.toString('latin1').split('\n').map(Number);
  const large = new Set(sides.filter((_side, index) => (sizes[index] ?? 0) > textBytes).map(({ name }) => name));
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
