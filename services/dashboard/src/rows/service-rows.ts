import { join } from 'node:path';
import type { ServiceRow } from '@countersign/contracts/page-api.ts';
import { ControlledService } from '@countersign/contracts/services-api.ts';
import { exists, namesIn } from '@countersign/kit/files.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { ServiceName } from '../files/log-files.ts';

/** What each service that ever said how it is says of itself, and the ones that can be started, in the order of their names. */
export async function serviceRows(volumes: string): Promise<ServiceRow[]> {
  const logs = join(volumes, 'logs');
  const names = new Set([...(await namesIn(logs)), ...ControlledService.options]);
  const rows = await Promise.all(
    [...names]
      .filter((name) => ServiceName.safeParse(name).success)
      .sort()
      .map((name) => rowOf(logs, name)),
  );
  return rows.filter((row) => row !== null);
}

async function rowOf(logs: string, name: string): Promise<ServiceRow | null> {
  const health = await readHealth(join(logs, name));
  const controllable = ControlledService.safeParse(name).success;
  const row = { name, container: null, controllable };
  if (health === null) {
    const isThere = await exists(join(logs, name, 'health.json'));
    // What only writes a log, as a one-shot does, has nothing to say of itself.
    if (!isThere && !controllable) return null;
    const reason = isThere ? 'its health.json cannot be read' : 'it has not said anything yet';
    return { ...row, status: 'silent', reason, report: null };
  }
  const { report, alive } = health;
  if (!alive) return { ...row, status: 'silent', reason: `not running; last seen ${report.ts}`, report };
  return { ...row, status: report.status, reason: report.reason, report };
}
