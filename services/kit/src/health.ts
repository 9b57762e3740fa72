import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HealthReport } from '@countersign/contracts/health.ts';
import { serviceLimits } from '@countersign/contracts/limits.ts';
import { writeFileAtomic } from './files.ts';
import { readFileStart } from './regular-file.ts';

/** The same news is written again only after this long, well within what counts as alive: each write is a write to a disk. */
const repeatMs = 5_000;

/** Keeps `health.json` as long as the work loop turns; the container's health check reads it. */
export class HealthFile {
  readonly #path: string;
  readonly #service: string;
  readonly #startedAt = new Date().toISOString();
  /** What stays wrong however well the loop turns, until the service is started again. */
  readonly #remembered: string[] = [];
  #said = '';
  #saidAt = 0;

  constructor(folder: string, service: string) {
    this.#path = join(folder, 'health.json');
    this.#service = service;
  }

  /** From now on every report says this as well, and that something is wrong. */
  remember(reason: string): void {
    this.#remembered.push(reason);
  }

  /**
   * Says how it is. A report that cannot be written, on a full disk for instance, is no reason to stop: it is old then, which tells.
   * @param access when the file was written with which the service last got in elsewhere; null where it is in nowhere
   */
  async beat(now: HealthReport['status'], reason: string, access: string | null = null): Promise<void> {
    const status = this.#remembered.length === 0 ? now : 'failing';
    const reasons = reason === '' ? this.#remembered : [reason, ...this.#remembered];
    const told = reasons.join('; ').slice(0, serviceLimits.healthReason);
    const news = `${status} ${access} ${told}`;
    if (news === this.#said && Date.now() - this.#saidAt < repeatMs) return;
    const report: HealthReport = {
      service: this.#service,
      status,
      reason: told,
      ts: new Date().toISOString(),
      started_at: this.#startedAt,
      ...(access === null ? {} : { access }),
    };
    try {
      await writeFileAtomic(this.#path, `${JSON.stringify(report)}\n`, 0o644);
    } catch {
      return;
    }
    this.#said = news;
    this.#saidAt = Date.now();
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
    const report = HealthReport.parse(JSON.parse(await readReport(join(folder, 'health.json'))));
    return { report, alive: now - Date.parse(report.ts) < serviceLimits.stuckMs };
  } catch {
    return null;
  }
}

/** Each service owns its folder and could put anything there. */
async function readReport(path: string): Promise<string> {
  const { bytes, size } = await readFileStart(path, serviceLimits.healthBytes);
  if (size > serviceLimits.healthBytes) throw new Error('too large');
  return bytes.toString('utf8');
}
