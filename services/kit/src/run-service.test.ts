import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// What it left half done is the next one's to find: it must not go on with a part of itself that has stopped.
test('F06 a failure that nobody waits for ends the service, with its words', () => {
  const program = join(import.meta.dirname, 'testing', 'stray-rejection.ts');
  const ended = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 30_000 });
  expect(ended.stdout).toBe('at work\n');
  expect(ended.stderr).toContain('nobody waits for this');
  expect([ended.status, ended.signal]).toEqual([1, null]);
});
