/**
 * What the journal costs: appends in a second by 1, 4 and 16 writers at once, each durable before its writer goes on; and how long a
 * journal of many events takes to open, with the memory that it needs. Prints only.
 *
 *     node bench/journal-appends.ts [--seconds 3] [--events 100000] [--folder /tmp] [--json]
 *
 * Beside it, from the same run, with the same lines: a file with one fdatasync for each line, and SQLite with one transaction for each
 * (`synchronous = FULL`, once with its rollback journal and once with a write-ahead log). The folder decides what is measured: its
 * disk's own fsync is most of it.
 */
import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import type { EventBody } from '@countersign/contracts/event.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { row } from './support/figures.ts';

const writers = [1, 4, 16];
const megabyte = 1024 ** 2;

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    events: { type: 'string', default: '100000' },
    folder: { type: 'string', default: '/tmp' },
    json: { type: 'boolean', default: false },
  },
});
const milliseconds = Number(values.seconds) * 1_000;
const folder = await mkdtemp(join(values.folder, 'countersign-bench-'));

type Append = (event: EventBody) => Promise<unknown> | unknown;

/** An event as large as those that carry a task's record. */
function event(number: number): EventBody {
  const record = { id: 'abcde', title: 'x'.repeat(200), bases: [], number, text: 'ü'.repeat(400) };
  return { phase: 'run', agent_role: 'coder', event: 'task_waiting', summary: 'waits', data: { record } };
}

/** @returns appends in a second, each waited for by its writer */
async function appendsOf(append: Append, count: number): Promise<number> {
  const end = performance.now() + milliseconds;
  let appends = 0;
  const write = async () => {
    while (performance.now() < end) {
      await append(event(appends));
      appends += 1;
    }
  };
  await Promise.all(Array.from({ length: count }, write));
  return (appends * 1_000) / milliseconds;
}

async function ofJournal(count: number): Promise<number> {
  const journal = await Journal.open(join(folder, `${count}.jsonl`));
  const appends = await appendsOf((body) => journal.append(body), count);
  await journal.close();
  return appends;
}

/** One line, one fdatasync; the writers stand in a queue. */
async function ofLines(count: number): Promise<number> {
  await using file = await open(join(folder, `${count}.lines`), 'a');
  let last: Promise<unknown> = Promise.resolve();
  return await appendsOf((body) => {
    last = last.then(async () => {
      await file.write(`${JSON.stringify(body)}\n`);
      await file.datasync();
    });
    return last;
  }, count);
}

/** One insert, one transaction. It is synchronous, so that writers are one after the other. */
async function ofSqlite(count: number, mode: 'DELETE' | 'WAL'): Promise<number> {
  using database = new DatabaseSync(join(folder, `${count}-${mode}.sqlite`));
  database.exec(`PRAGMA journal_mode = ${mode}; PRAGMA synchronous = FULL; CREATE TABLE events (line TEXT NOT NULL)`);
  const insert = database.prepare('INSERT INTO events VALUES (?)');
  return await appendsOf((body) => insert.run(JSON.stringify(body)), count);
}

async function openingOf(events: number) {
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
  const seconds = (performance.now() - started) / 1_000;
  const peak = process.resourceUsage().maxRSS / 1024;
  return { events, seconds, file_mb: (await stat(path)).size / megabyte, before_mb: before / megabyte, peak_mb: peak };
}

try {
  const measured: Record<'at_once' | 'journal' | 'fdatasync' | 'sqlite' | 'sqlite_wal', number>[] = [];
  for (const count of writers)
    measured.push({
      at_once: count,
      journal: await ofJournal(count),
      fdatasync: await ofLines(count),
      sqlite: await ofSqlite(count, 'DELETE'),
      sqlite_wal: await ofSqlite(count, 'WAL'),
    });
  const opening = await openingOf(Number(values.events));
  if (values.json) process.stdout.write(`${JSON.stringify({ appends_per_second: measured, opening })}\n`);
  else {
    const of = (label: string, name: Exclude<keyof (typeof measured)[number], 'at_once'>) =>
      row(
        label,
        measured.map((one) => one[name]),
      );
    process.stdout.write(
      [
        row(
          'appends in a second, writers at once:',
          writers.map((count) => String(count)),
        ),
        of('journal', 'journal'),
        of('one fdatasync for each line', 'fdatasync'),
        of('SQLite, rollback journal', 'sqlite'),
        of('SQLite, write-ahead log', 'sqlite_wal'),
        `opening ${opening.events} events (${opening.file_mb.toFixed(0)} MB): ${opening.seconds.toFixed(2)} s, ${opening.before_mb.toFixed(0)} MB before, ${opening.peak_mb.toFixed(0)} MB at most\n`,
      ].join(''),
    );
  }
} finally {
  await rm(folder, { recursive: true });
}
