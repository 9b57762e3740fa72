/**
 * What the journal costs: appends in a second by 1, 4 and 16 writers at once, and how long a journal of many events takes to
 * open, with the memory that it needs. Prints only.
 *
 *     node bench/journal-appends.ts [--seconds 3] [--events 100000] [--folder /tmp]
 *
 * The folder decides what is measured: its disk's own fsync is most of it.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { EventBody } from '@countersign/contracts/event.ts';
import { Journal } from '@countersign/kit/journal.ts';

const writers = [1, 4, 16];
const megabyte = 1024 ** 2;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    events: { type: 'string', default: '100000' },
    folder: { type: 'string', default: '/tmp' },
  },
});
const folder = await mkdtemp(join(values.folder, 'countersign-bench-'));
try {
  for (const count of writers) await measureAppends(count, Number(values.seconds) * 1_000);
  await measureOpening(Number(values.events));
} finally {
  await rm(folder, { recursive: true });
}

/** An event as large as those that carry a task's record. */
function event(number: number): EventBody {
  const record = { id: 'abcde', title: 'x'.repeat(200), bases: [], number, text: 'ü'.repeat(400) };
  return { phase: 'run', agent_role: 'coder', event: 'task_waiting', summary: 'waits', data: { record } };
}

async function measureAppends(count: number, milliseconds: number): Promise<void> {
  const journal = await Journal.open(join(folder, `${count}.jsonl`));
  const end = performance.now() + milliseconds;
  let appends = 0;
  const write = async () => {
    while (performance.now() < end) {
      await journal.append(event(appends));
      appends += 1;
    }
  };
  await Promise.all(Array.from({ length: count }, write));
  await journal.close();
  report(`${String(count).padStart(3)} writers: ${Math.round((appends * 1_000) / milliseconds)} appends/s`);
}

async function measureOpening(events: number): Promise<void> {
  const path = join(folder, 'large.jsonl');
  const journal = await Journal.open(path);
  for (let done = 0; done < events; done += 1_000)
    await Promise.all(
      Array.from({ length: Math.min(1_000, events - done) }, (_, index) => journal.append(event(done + index))),
    );
  await journal.close();
  const before = process.memoryUsage().rss;
  const started = performance.now();
  await (await Journal.open(path)).close();
  const seconds = ((performance.now() - started) / 1_000).toFixed(2);
  const megabytes = ((await stat(path)).size / megabyte).toFixed(0);
  const peak = (process.resourceUsage().maxRSS / 1024).toFixed(0);
  report(
    `opening ${events} events (${megabytes} MB): ${seconds} s, ${(before / megabyte).toFixed(0)} MB before, ${peak} MB at most`,
  );
}

function report(line: string): void {
  process.stdout.write(`${line}\n`);
}
