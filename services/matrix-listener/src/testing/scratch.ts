import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder of this test's own, with a path short enough for sockets; gone when the test has finished. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'listener-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
