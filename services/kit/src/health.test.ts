import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clearHealth, HealthFile, readHealth } from './health.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-health-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a service that says how it is, is alive; when it stops saying so, it is not', async () => {
  await new HealthFile(folder, 'runner').beat('waiting', 'no model');
  const health = await readHealth(folder);
  expect(health).toMatchObject({ alive: true, report: { service: 'runner', status: 'waiting', reason: 'no model' } });
  const later = Date.parse(health?.report.ts ?? '') + serviceLimits.stuckMs;
  expect((await readHealth(folder, later - 1))?.alive).toBe(true);
  expect((await readHealth(folder, later))?.alive).toBe(false);
});

test('a service that is only starting has not said anything yet, whatever the one before it said', async () => {
  await clearHealth(folder);
  await new HealthFile(folder, 'runner').beat('ok', '');
  await clearHealth(folder);
  expect(await readHealth(folder)).toBeNull();
});

test('the start stays the same from beat to beat', async () => {
  const file = new HealthFile(folder, 'runner');
  await file.beat('ok', '');
  const first = await readHealth(folder);
  await file.beat('failing', 'x');
  const second = await readHealth(folder);
  expect(second?.report.started_at).toBe(first?.report.started_at);
  expect(second?.report.status).toBe('failing');
});

test('with what a service got in elsewhere is said at once when it is another', async () => {
  const file = new HealthFile(folder, 'matrix-listener');
  await file.beat('ok', '');
  expect((await readHealth(folder))?.report).not.toHaveProperty('access');
  for (const access of ['2026-11-20T10:00:00.000Z', '2026-11-20T10:00:00.001Z']) {
    await file.beat('ok', '', access);
    expect((await readHealth(folder))?.report.access).toBe(access);
  }
});

test.each(['', '{', '{}', 'null', '{"service":"runner","status":"ok"}'])(
  'a file that holds %j says nothing',
  async (text) => {
    await writeFile(join(folder, 'health.json'), text);
    expect(await readHealth(folder)).toBeNull();
  },
);

test('what is no small file says nothing, and nobody waits for it', async () => {
  await new HealthFile(folder, 'runner').beat('ok', '');
  const path = join(folder, 'health.json');
  const good = await readFile(path, 'utf8');
  await writeFile(path, good + ' '.repeat(serviceLimits.healthBytes));
  expect(await readHealth(folder)).toBeNull();
  await rename(path, join(folder, 'elsewhere.json'));
  await writeFile(join(folder, 'elsewhere.json'), good);
  await symlink('elsewhere.json', path);
  expect(await readHealth(folder)).toBeNull();
  await rm(path);
  execFileSync('/usr/bin/mkfifo', [path]);
  expect(await readHealth(folder)).toBeNull();
});

test('a reason without end is cut where it is written', async () => {
  await new HealthFile(folder, 'runner').beat('failing', 'x'.repeat(1_000_000));
  expect((await readHealth(folder))?.report.reason).toHaveLength(serviceLimits.healthReason);
});

describe('the check of a container', () => {
  const check = (...flags: string[]) => {
    const script = join(import.meta.dirname, '../health.sh');
    const { status, stdout } = spawnSync('sh', [script, ...flags, join(folder, 'health.json')], { encoding: 'utf8' });
    return [status, stdout];
  };
  const unsaid = [1, 'nothing was said within half a minute\n'];

  test('a service that says how it is, is well, also where it waits', async () => {
    for (const status of ['ok', 'waiting'] as const) {
      await new HealthFile(folder, 'runner').beat(status, 'as "status":"failing" would be');
      expect([check(), check('--alive')]).toEqual([
        [0, ''],
        [0, ''],
      ]);
    }
  });

  test('one that fails is not, and says why, unless it only has to be alive', async () => {
    await new HealthFile(folder, 'gateway').beat('failing', 'no hosts.yaml');
    expect([check(), check('--alive')]).toEqual([
      [1, 'no hosts.yaml\n'],
      [0, ''],
    ]);
  });

  test('one that has said nothing for as long as the services wait is not, whatever it said', async () => {
    expect([check(), check('--alive')]).toEqual([unsaid, unsaid]);
    await new HealthFile(folder, 'runner').beat('ok', '');
    const path = join(folder, 'health.json');
    const at = (ageMs: number) => utimes(path, new Date(), new Date(Date.now() - ageMs));
    await at(serviceLimits.stuckMs - 3_000);
    expect(check()).toEqual([0, '']);
    await at(serviceLimits.stuckMs + 1_000);
    expect([check(), check('--alive')]).toEqual([unsaid, unsaid]);
    await at(0);
    await rename(path, join(folder, 'elsewhere.json'));
    await symlink('elsewhere.json', path);
    expect(check('--alive')).toEqual(unsaid);
  });
});

test('no file says nothing', async () => {
  expect(await readHealth(join(folder, 'none'))).toBeNull();
});
