import { join } from 'node:path';
import { exists, namesIn } from '@countersign/kit/files.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { formatTable } from './table.ts';

const columns = [
  { heading: 'SERVICE', width: 32 },
  { heading: 'STATE', width: 11 },
  { heading: 'LAST SEEN', width: 20 },
  { heading: 'REASON', width: 400 },
];

/** Of every service that has said how it is, those that are not well, as lines of a table; none when all are. */
export async function serviceTroubles(volumes: string): Promise<string[]> {
  const logs = join(volumes, 'logs');
  const rows = await Promise.all((await namesIn(logs)).sort().map(async (name) => await troubleOf(logs, name)));
  const troubles = rows.filter((row) => row !== null);
  return troubles.length === 0 ? [] : formatTable(columns, troubles);
}

async function troubleOf(logs: string, name: string): Promise<string[] | null> {
  const folder = join(logs, name);
  const health = await readHealth(folder);
  if (health === null)
    return (await exists(join(folder, 'health.json')))
      ? [name, 'unclear', '-', 'its health.json cannot be read']
      : null;
  const { alive, report } = health;
  if (alive && report.status === 'ok') return null;
  return [name, alive ? report.status : 'not running', report.ts.replace(/\.\d+Z$/, 'Z'), report.reason];
}
