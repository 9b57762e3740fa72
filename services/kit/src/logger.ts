import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { logLimits } from '@countersign/contracts/limits.ts';
import { destination, type Logger, multistream, pino } from 'pino';
import { RotatingFile } from './rotating-file.ts';

export type { Logger } from 'pino';

/** Fields whose values never reach a log, wherever they stand. */
const secretPaths = ['token', 'password', 'signature', 'authorization', 'key', 'secret'].flatMap((name) => [
  name,
  `*.${name}`,
  `*.*.${name}`,
]);

/**
 * A service's log: JSON lines on standard output and, given a folder, in `<folder>/<service>.jsonl`, of which a few
 * older ones are kept.
 * Messages are static text; data goes into fields.
 */
export function createLogger(service: string, level: string, folder?: string): Logger {
  const options = {
    level,
    base: { service },
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    redact: { paths: secretPaths, censor: '[redacted]' },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  if (folder === undefined) return pino(options, destination({ fd: 1, sync: true }));
  mkdirSync(folder, { recursive: true, mode: 0o750 });
  const file = new RotatingFile(join(folder, `${service}.jsonl`), logLimits);
  return pino(options, multistream([{ stream: destination({ fd: 1, sync: true }) }, { stream: file }]));
}
