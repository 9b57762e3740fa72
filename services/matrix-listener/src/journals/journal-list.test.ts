import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { JournalList } from './journal-list.ts';

const { followMs, followAllMs, quietAfterMs } = listenerLimits;

function begin() {
  const runs = join(scratchFolder(), 'runs');
  const write = (name: string, text: string) => {
    mkdirSync(join(runs, name, '..'), { recursive: true });
    appendFileSync(join(runs, name), text);
  };
  return { runs, write, list: new JournalList(runs) };
}

test('there are no journals before there is anything', async () => {
  expect(await begin().list.look(0)).toEqual([]);
});

test('the journal of no run comes first, then those of the runs, and nothing else', async () => {
  const { runs, write, list } = begin();
  write('RUN-20261120-002/telemetry.jsonl', '22');
  write('RUN-20261120-001/telemetry.jsonl', '1');
  write('.cache/telemetry.jsonl', 'no');
  write('run-20261120-001/telemetry.jsonl', 'no');
  write('RUN-20261120-003/other.jsonl', 'no');
  writeFileSync(join(runs, 'RUN-20261120-004'), 'a file');
  write('telemetry.jsonl', 'own');
  expect(await list.look(0)).toEqual([
    { name: 'telemetry.jsonl', size: 3 },
    { name: 'RUN-20261120-001/telemetry.jsonl', size: 1 },
    { name: 'RUN-20261120-002/telemetry.jsonl', size: 2 },
  ]);
});

test('growth is seen at the next look', async () => {
  const { write, list } = begin();
  write('RUN-20261120-001/telemetry.jsonl', '1');
  await list.look(0);
  write('RUN-20261120-001/telemetry.jsonl', '2');
  expect(await list.look(followMs)).toEqual([{ name: 'RUN-20261120-001/telemetry.jsonl', size: 2 }]);
});

test('a run that has been quiet for long is looked at only with all of them', async () => {
  const { write, list } = begin();
  const name = 'RUN-20261120-001/telemetry.jsonl';
  write(name, '1');
  write('telemetry.jsonl', '');
  await list.look(0);
  const later = quietAfterMs + followAllMs;
  await list.look(later);
  write(name, '2');
  write('telemetry.jsonl', 'own');
  expect(await list.look(later + followMs)).toEqual([
    { name: 'telemetry.jsonl', size: 3 },
    { name, size: 1 },
  ]);
  expect(await list.look(later + followAllMs)).toContainEqual({ name, size: 2 });
  write(name, '3');
  expect(await list.look(later + followAllMs + followMs)).toContainEqual({ name, size: 3 });
});

test('a journal that is gone is not listed, and is listed again when it is back', async () => {
  const { runs, write, list } = begin();
  const name = 'RUN-20261120-001/telemetry.jsonl';
  write(name, '1');
  expect(await list.look(0)).toHaveLength(1);
  rmSync(runs, { recursive: true });
  expect(await list.look(followMs)).toEqual([]);
  write(name, '12');
  expect(await list.look(2 * followMs)).toEqual([{ name, size: 2 }]);
});

test('what is there and cannot be listed is an error', async () => {
  const { runs } = begin();
  await expect(new JournalList(`${runs}\0`).look(0)).rejects.toThrow();
  mkdirSync(runs);
  const long = 'x'.repeat(5_000);
  await expect(new JournalList(join(runs, long)).look(0)).rejects.toThrow('ENAMETOOLONG');
});
