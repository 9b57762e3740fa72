import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTaskRecord, readTaskRecords, recordPaths } from './task-records.ts';
import { makeRecord } from './testing/waiting-task.ts';

const since = '2026-11-20T10:00:00.000Z';
const run = 'RUN-20261120-001';

function begin() {
  const volumes = mkdtempSync(join(tmpdir(), 'countersign-records-'));
  const folder = (id: string) => join(volumes, 'runs', run, 'tasks', id);
  const put = (id: string) => {
    const record = makeRecord({ status: 'queued' as const, wait: null, since, reason: '' }, { id });
    mkdirSync(folder(id), { recursive: true });
    writeFileSync(join(folder(id), 'task.json'), JSON.stringify(record));
    return record;
  };
  return { volumes, folder, put };
}

test('every record by its id, and what is none is named', async () => {
  const { volumes, folder, put } = begin();
  const records = ['bb', 'aa'].map(put).reverse();
  for (const name of ['Odd name', 'cc', 'dd', 'ee']) mkdirSync(folder(name), { recursive: true });
  writeFileSync(join(folder('cc'), 'task.json'), '{}');
  execFileSync('mkfifo', [join(folder('dd'), 'task.json')]);
  const read = await readTaskRecords(volumes);
  expect(read.records).toEqual(records);
  expect(read.unreadable.map(({ path }) => path).sort()).toEqual(
    ['cc', 'dd'].map((id) => `runs/${run}/tasks/${id}/task.json`),
  );
  expect([...(await recordPaths(volumes)).keys()].sort()).toEqual(['aa', 'bb', 'cc', 'dd', 'ee']);
});

test('no link is followed, at its name or, where that is asked for, above it', async () => {
  const { volumes, folder, put } = begin();
  put('aa');
  mkdirSync(folder('bb'), { recursive: true });
  symlinkSync(join(folder('aa'), 'task.json'), join(folder('bb'), 'task.json'));
  symlinkSync(folder('aa'), folder('cc'));
  const path = (id: string) => `runs/${run}/tasks/${id}/task.json`;
  await expect(readTaskRecord(volumes, path('bb'))).rejects.toThrow('no regular file');
  await expect(readTaskRecord(volumes, path('cc'), volumes)).rejects.toThrow('no regular file');
  expect((await readTaskRecord(volumes, path('aa'), volumes)).id).toBe('aa');
});
