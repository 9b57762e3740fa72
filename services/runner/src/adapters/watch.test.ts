import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { watchFolders } from './watch.ts';

test('a new file wakes, one in a folder below does not need to, and what is missing is no error', async () => {
  const folder = scratchFolder();
  mkdirSync(join(folder, 'below'));
  let woken = 0;
  await using _watch = watchFolders([folder, join(folder, 'missing')], () => woken++, createLogger('runner', 'silent'));
  // The watch says nothing of being ready: a hint that comes before is lost, as it may be at any time.
  for (let count = 0; woken === 0 && count < 200; count += 1) {
    writeFileSync(join(folder, `x-${count}.md`), 'x');
    await sleep(20);
  }
  expect(woken).toBeGreaterThan(0);
});
