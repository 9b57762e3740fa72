import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { lineDigest } from '@countersign/kit/chain-scan.ts';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';

/** A runner's own journal with as many messages, each as long as one may be. */
function writeJournal(path: string, count: number): void {
  writeFileSync(path, '');
  const message = { phase: 'service', agent_role: 'operator', event: 'message', summary: 'x'.repeat(4_000) };
  let prev = '0'.repeat(64);
  let lines = '';
  for (let seq = 1; seq <= count; seq += 1) {
    const data = { command_id: `command-${seq}` };
    const line = JSON.stringify({ ts: '2026-11-20T10:00:00.000Z', seq, prev, ...message, data });
    prev = lineDigest(Buffer.from(line));
    lines += `${line}\n`;
    if (seq % 1_000 === 0) {
      appendFileSync(path, lines);
      lines = '';
    }
  }
}

test('a journal that is longer than all of the memory is read, and what counts of it is known', async () => {
  const path = join(scratchFolder(), 'telemetry.jsonl');
  writeJournal(path, 25_000);
  const module = pathToFileURL(join(import.meta.dirname, 'own-past.ts')).href;
  const reader = new Worker(
    `import(${JSON.stringify(module)})
      .then(({ OwnPast }) => OwnPast.read(${JSON.stringify(path)}))
      .then(({ posted }) => require('node:worker_threads').parentPort.postMessage([posted.size, posted.has('command-25000')]));`,
    { eval: true, resourceLimits: { maxOldGenerationSizeMb: 64 } },
  );
  expect(await once(reader, 'message')).toEqual([[25_000, true]]);
}, 60_000);
