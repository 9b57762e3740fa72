import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EndFrame } from '@countersign/contracts/frames.ts';
import { frameLimits, resultLimits } from '@countersign/contracts/limits.ts';
import { outputFiles } from '../task-folder.ts';
import type { Sent } from './collect-bundles.ts';
import { agentLimits } from './limits.ts';
import { measure } from './untrusted-file.ts';

/** Numbers the regular files of `out/artifacts` in the order of their names; the names themselves stay here. */
export async function collectArtifacts(taskFolder: string): Promise<Sent<EndFrame['artifacts'][number]>> {
  const collected: Sent<EndFrame['artifacts'][number]> = { sources: [], entries: [], problems: [], notes: [] };
  const folder = outputFiles(taskFolder).artifacts;
  const names = (await readdir(folder).catch(() => [])).sort().slice(0, agentLimits.artifactEntries);
  for (const name of names) {
    const path = join(folder, name);
    const room = collected.entries.length < frameLimits.artifacts;
    const measured = room ? await measure(path, resultLimits.artifactBytes) : undefined;
    if (measured === undefined) continue;
    collected.sources.push({
      frame: 'artifact',
      index: collected.entries.length,
      path,
      bytes: measured.bytes,
      cursor: 0,
    });
    collected.entries.push(measured);
  }
  const left = names.length - collected.entries.length;
  if (left > 0) collected.notes.push(`${left} artifacts were left out`);
  return collected;
}
