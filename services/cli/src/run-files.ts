import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId } from '@countersign/contracts/names.ts';
import { describeRun, type Run, RunHeader } from '@countersign/contracts/run.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { parseYaml } from '@countersign/contracts/yaml-text.ts';
import { isMissing, namesIn } from '@countersign/kit/files.ts';

export type ListedRuns = {
  readonly runs: readonly Run[];
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
};

/** Every run as its tasks' records are now, the newest first; what `run.yaml` says of them may be a moment older. */
export async function readRuns(volumes: string, records: readonly TaskRecord[]): Promise<ListedRuns> {
  const ofRun = Map.groupBy(records, ({ run }) => run);
  const runs: Run[] = [];
  const unreadable: { path: string; reason: string }[] = [];
  for (const name of await namesIn(join(volumes, 'runs'))) {
    if (!RunId.safeParse(name).success) continue;
    const path = `runs/${name}/run.yaml`;
    try {
      const header = parseYaml(await readFile(join(volumes, path), 'utf8'), RunHeader);
      if (header.ok) runs.push(describeRun(header.value, ofRun.get(name) ?? []));
      else unreadable.push({ path, reason: header.problems[0]?.message ?? 'not readable' });
    } catch (error) {
      // A run's folder is made before its description is.
      if (!isMissing(error)) unreadable.push({ path, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return { runs: runs.sort((a, b) => byNumber(b.id, a.id)), unreadable };
}

/** By day, then by number, which has a digit more past 999. */
function byNumber(a: RunId, b: RunId): number {
  const [dayA = '', dayB = ''] = [a, b].map((id) => id.slice(0, 'RUN-YYYYMMDD'.length));
  if (dayA !== dayB) return dayA < dayB ? -1 : 1;
  return a.length - b.length || (a < b ? -1 : 1);
}
