import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import { JournalHead } from '@countersign/contracts/journal-head.ts';
import { lineDigest } from '@countersign/kit/chain-scan.ts';
import { HealthFile, readHealth } from '@countersign/kit/health.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, test } from 'vitest';
import { eventsOf } from '../testing/home.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { JournalHeads } from './journal-heads.ts';
import { sayBehind } from './say-behind.ts';

const run = 'RUN-20261120-001';
type Name = 'service' | typeof run;
const event = (summary: string): EventBody => ({ phase: 'service', agent_role: 'runner', event: 'message', summary });

function begin() {
  const folder = scratchFolder();
  const paths: Record<Name, string> = {
    service: join(folder, 'service.jsonl'),
    [run]: join(folder, 'run.jsonl'),
  };
  const path = join(folder, 'heads.jsonl');
  return {
    folder,
    path,
    paths,
    heads: () =>
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JournalHead.parse(JSON.parse(line))),
    /** One life of a runner that appends to its journals. */
    live: async (summaries: Partial<Record<Name, readonly string[]>>) => {
      await using heads = await JournalHeads.open(path);
      for (const name of Object.keys(summaries) as Name[]) {
        const journal = await heads.journal(name, paths[name]);
        for (const text of summaries[name] ?? []) await journal.append(event(text));
        await journal.close();
      }
      return heads.behind();
    },
  };
}

const lines = (path: string) => readFileSync(path, 'utf8').trimEnd().split('\n');
const cutTo = (path: string, count: number) => writeFileSync(path, `${lines(path).slice(0, count).join('\n')}\n`);

test('the end of each journal that moved is told once, not each of its lines, and chained', async () => {
  const ground = begin();
  expect(await ground.live({ service: ['a', 'b', 'c'], [run]: ['d'] })).toEqual([]);
  expect(ground.heads()).toMatchObject([
    { seq: 1, prev: '0'.repeat(64), journal: 'service', events: 3 },
    { seq: 2, journal: run, events: 1 },
  ]);
  expect(ground.heads()[0]?.head).toBe(lineDigest(Buffer.from(lines(ground.paths.service)[2] ?? '')));
  expect(await ground.live({ service: [], [run]: ['e'] })).toEqual([]);
  expect(ground.heads()).toMatchObject([{}, {}, { seq: 3, journal: run, events: 2 }]);
  expect(ground.heads()[2]?.prev).toBe(lineDigest(Buffer.from(lines(ground.path)[1] ?? '')));
});

test('a death before it was told is made good by the next start', async () => {
  const ground = begin();
  await ground.live({ service: ['a'] });
  const before = readFileSync(ground.path);
  await ground.live({ service: ['b', 'c'] });
  writeFileSync(ground.path, before);
  expect(await ground.live({ service: [] })).toEqual([]);
  expect(ground.heads().at(-1)).toMatchObject({ journal: 'service', events: 3 });
});

test('A27 acknowledged lines that are gone are told of, and the file keeps what it said', async () => {
  const ground = begin();
  await ground.live({ [run]: ['a', 'b', 'c'] });
  cutTo(ground.paths[run], 1);
  expect(await ground.live({ [run]: [] })).toMatchObject([
    { journal: run, events: 3, what: expect.stringContaining('ends at line 1, and had 3') },
  ]);
  expect(ground.heads().map(({ events }) => events)).toEqual([3, 1]);
});

test('A27 so are lines that were made anew, a journal that was removed, and one whose run is gone', async () => {
  const ground = begin();
  await ground.live({ service: ['a'], [run]: ['b', 'c'] });
  rmSync(ground.paths[run]);
  const [gone] = await ground.live({ service: [] });
  expect(gone).toMatchObject({ journal: run, what: `the journal of ${run} is gone, and had 2 lines` });
  const [emptied] = await ground.live({ service: [], [run]: [] });
  expect(emptied?.what).toContain('ends at line 0, and had 2');
  const [another] = await ground.live({ service: [], [run]: ['b', 'c', 'd'] });
  expect(another?.what).toContain('ends at line 0, and had 2');
  cutTo(ground.paths[run], 1);
  rmSync(ground.paths[run]);
  const other = begin();
  await other.live({ [run]: ['x', 'y', 'z', '!'] });
  writeFileSync(ground.paths[run], readFileSync(other.paths[run]));
  const [replaced] = await ground.live({ service: [], [run]: [] });
  expect(replaced?.what).toContain('has another line 3 than it had');
});

test('A27 what is behind stands in the journal and in the health, for as long as the runner lives', async () => {
  const ground = begin();
  await ground.live({ service: ['a', 'b'], [run]: ['c'] });
  rmSync(ground.paths[run]);
  await using heads = await JournalHeads.open(ground.path);
  const journal = await heads.journal('service', ground.paths.service);
  const health = new HealthFile(ground.folder, 'runner');
  await sayBehind(heads.behind(), journal, createLogger('runner', 'silent'), health);
  await journal.close();
  expect(eventsOf(ground.paths.service).at(-1)).toMatchObject({
    event: 'journal_behind',
    data: { journal: run, events: 1 },
  });
  for (const reason of ['', 'the model is down']) {
    await health.beat(reason === '' ? 'ok' : 'waiting', reason);
    expect((await readHealth(ground.folder))?.report).toMatchObject({
      status: 'failing',
      reason: expect.stringContaining(`the journal of ${run} is gone`),
    });
  }
  expect((await readHealth(ground.folder))?.report.reason).toContain('the model is down');
});

test('F16 a torn tail is taken off and said in that journal, with what was kept', async () => {
  const ground = begin();
  await ground.live({ service: ['a'], [run]: ['b'] });
  for (const path of Object.values(ground.paths)) appendFileSync(path, '{"ts":"2026');
  appendFileSync(ground.path, '{"ts');
  expect(await ground.live({ service: [], [run]: [] })).toEqual([]);
  for (const path of Object.values(ground.paths))
    expect(parseJournal(path, readFileSync(path)).at(-1)).toMatchObject({
      event: 'journal_cut',
      data: { bytes: 11, kept: expect.stringContaining('.cut-1') },
    });
  expect(parseJournal('', readFileSync(ground.paths[run])).at(-1)?.run_id).toBe(run);
  expect(ground.heads().map(({ journal, events }) => [journal, events])).toEqual([
    ['service', 1],
    [run, 1],
    ['service', 2],
    [run, 2],
  ]);
});

test('A27 a file that was changed is put aside, said, and begun anew', async () => {
  const ground = begin();
  await ground.live({ service: ['a'], [run]: ['b'] });
  const changed = readFileSync(ground.path, 'utf8').replace('"events":1', '"events":9');
  writeFileSync(ground.path, changed);
  expect(await ground.live({ service: [], [run]: [] })).toMatchObject([
    { journal: 'heads', what: expect.stringContaining('broken') },
  ]);
  expect(readFileSync(`${ground.path}.broken-1`, 'utf8')).toBe(changed);
  expect(ground.heads().map(({ journal }) => journal)).toEqual(['service', run]);
  expect(await ground.live({ service: [], [run]: [] })).toEqual([]);
});

test('what could not be written is written later, and nobody who appends notices', async () => {
  const ground = begin();
  let isFull = false;
  const ready = () => (isFull ? Promise.reject(new Error('no space')) : Promise.resolve());
  {
    await using heads = await JournalHeads.open(ground.path, { ready });
    const journal = await heads.journal('service', ground.paths.service);
    await journal.append(event('a'));
    isFull = true;
    await journal.close();
  }
  expect(existsSync(ground.path)).toBe(true);
  expect(readFileSync(ground.path, 'utf8')).toBe('');
  expect(await ground.live({ service: [] })).toEqual([]);
  expect(ground.heads()).toMatchObject([{ journal: 'service', events: 1 }]);
  expect(readdirSync(ground.folder).sort()).toEqual(['heads.jsonl', 'service.jsonl']);
});
