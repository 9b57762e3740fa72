import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearHealth, HealthFile } from '@countersign/kit/health.ts';
import { expect, onTestFinished, test } from 'vitest';
import { awaitListener } from './await-listener.ts';

const at = '2026-11-20T10:00:00.500Z';
const before = '2026-11-20T10:00:00.499Z';
const after = '2026-11-20T10:00:00.501Z';
const limits = { listenerMs: 700, listenerSilenceMs: 300 };

function begin() {
  const logs = mkdtempSync(join(tmpdir(), 'await-'));
  onTestFinished(() => rmSync(logs, { recursive: true }));
  const health = new HealthFile(logs, 'matrix-listener');
  const wait = () => awaitListener(logs, async () => at, limits);
  return { logs, health, wait };
}

test('a listener that got in with exactly this file uses it, whatever else is wrong with it', async () => {
  const { health, wait } = begin();
  await health.beat('failing', 'the bot is not in its room', at);
  expect(await wait()).toBe('uses-it');
});

test('one that starts is waited for, and one that says nothing at all does not run', async () => {
  const { logs, health, wait } = begin();
  expect(await wait()).toBe('not-running');
  const waiting = wait();
  await clearHealth(logs);
  await health.beat('waiting', '');
  await health.beat('ok', '', at);
  expect(await waiting).toBe('uses-it');
});

test.each([null, before, after])(
  'A32 one that runs with %s is told with its reason, and what to do',
  async (access) => {
    const { health, wait } = begin();
    await health.beat('waiting', 'the gateway does not answer', access);
    await expect(wait()).rejects.toThrow(
      /within 0\.7 s; it says: the gateway does not answer\nThe token before counts still\.[\s\S]* --now/,
    );
  },
);
