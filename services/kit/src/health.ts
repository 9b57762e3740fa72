import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HealthReport } from '@countersign/contracts/health.ts';
import { serviceLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from './files.ts';

/** Writes `health.json` each time the work loop turned; the container's health check reads it. */
export class HealthFile {
  readonly #path: string;
  readonly #service: string;
  readonly #startedAt = new Date().toISOString();

  constructor(folder: string, service: string) {
    this.#path = join(folder, 'health.json');
    this.#service = service;
  }

  async beat(status: HealthReport['status'], reason: string): Promise<void> {
    const report: HealthReport = {
      service: this.#service,
      status,
      reason,
      ts: new Date().toISOString(),
      started_at: this.#startedAt,
    };
    await writeFileAtomic(this.#path, `${JSON.stringify(report)}\n`, 0o644);
  }
}

/** What a service last said of itself, and whether it is still saying it; null when it never did or the file cannot be read. */
export async function readHealth(
  folder: string,
  now = Date.now(),
): Promise<{ report: HealthReport; alive: boolean } | null> {
  try {
    const report = HealthReport.parse(JSON.parse(await readFile(join(folder, 'health.json'), 'utf8')));
    return { report, alive: now - Date.parse(report.ts) < serviceLimits.stuckMs };
  } catch {
    return null;
  }
}
