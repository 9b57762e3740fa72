import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HealthReport } from '@countersign/contracts/health.ts';
import { serviceLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from './files.ts';

/** The same news is written again only after this long, well within what counts as alive: each write is a write to a disk. */
const repeatMs = 5_000;

/** Keeps `health.json` as long as the work loop turns; the container's health check reads it. */
export class HealthFile {
  readonly #path: string;
  readonly #service: string;
  readonly #startedAt = new Date().toISOString();
  #said = '';
  #saidAt = 0;

  constructor(folder: string, service: string) {
    this.#path = join(folder, 'health.json');
    this.#service = service;
  }

  async beat(status: HealthReport['status'], reason: string): Promise<void> {
    const news = `${status} ${reason}`;
    if (news === this.#said && Date.now() - this.#saidAt < repeatMs) return;
    this.#said = news;
    this.#saidAt = Date.now();
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

/** Takes back what an earlier process said: a service that cannot start must not pass for the one before it. */
export async function clearHealth(folder: string): Promise<void> {
  await rm(join(folder, 'health.json'), { force: true });
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
