import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { queueStateFile, readQueueState } from './queue-state.ts';

let volumes: string;
beforeEach(() => {
  volumes = mkdtempSync(join(tmpdir(), 'countersign-queue-'));
  mkdirSync(join(volumes, 'runs'));
});
afterEach(() => rmSync(volumes, { recursive: true }));

test('before the runner has written anything, nothing is in the way', async () => {
  expect(await readQueueState(volumes)).toEqual({ version: 1, paused: null, breakers: [] });
});

test('what the runner wrote is read', async () => {
  const paused = { since: '2026-11-20T10:00:00.000Z', by: 'ada', reason: '' };
  writeFileSync(join(volumes, queueStateFile), JSON.stringify({ version: 1, paused, breakers: [] }));
  expect(await readQueueState(volumes)).toEqual({ version: 1, paused, breakers: [] });
});

test.each(['', '{', '{"version":2,"paused":null,"breakers":[]}', '[]'])('%j is told to be none', async (text) => {
  writeFileSync(join(volumes, queueStateFile), text);
  await expect(readQueueState(volumes)).rejects.toThrow(/^runs\/queue\.json cannot be read: /);
});

test('a pipe is not waited for', async () => {
  execFileSync('mkfifo', [join(volumes, queueStateFile)]);
  await expect(readQueueState(volumes)).rejects.toThrow('no regular file');
});

test('a link is not followed', async () => {
  writeFileSync(join(volumes, 'elsewhere'), '{"version":1,"paused":null,"breakers":[]}');
  symlinkSync(join(volumes, 'elsewhere'), join(volumes, queueStateFile));
  await expect(readQueueState(volumes)).rejects.toThrow('cannot be read');
});
