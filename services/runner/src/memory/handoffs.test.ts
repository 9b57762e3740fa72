import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import { handoffOf } from './handoff-ground.ts';
import { formatHandoff, parseHandoff } from './handoff-text.ts';
import { handoffFiles, newestHandoffs } from './handoffs.ts';
import { memoryGround, now } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const path = 'project/handoffs/20261120T100000000Z-abcde-1.yaml';

test('a handoff is one file and one commit, however often it is saved, and reads back as it was', async () => {
  const ground = memoryGround();
  const memory = await openMemory(ground.folder, now);
  expect(await memory.saveHandoff(handoffOf())).toEqual({ status: 'committed' });
  await memory.saveHandoff(handoffOf());
  expect(ground.log()).toEqual([
    'Countersign: project: handoff of task abcde, attempt 1, T0147',
    'Countersign: the memory begins',
  ]);
  expect(parseHandoff(Buffer.from(ground.read(path)))).toEqual(handoffOf());
  expect(await memory.newestHandoffs('project')).toEqual({
    handoffs: [{ file: '20261120T100000000Z-abcde-1.yaml', handoff: handoffOf() }],
    skipped: 0,
    older: 0,
  });
});

test('one that a person has edited stays as they left it', async () => {
  const ground = memoryGround();
  const memory = await openMemory(ground.folder, now);
  await memory.saveHandoff(handoffOf());
  ground.write(path, `${ground.read(path)}# remember this\n`);
  await memory.saveHandoff(handoffOf());
  expect(ground.read(path)).toContain('# remember this');
  expect(ground.log()[0]).toBe('Operator: taken over: edited by hand');
});

test('what cannot be read is counted, and everything else is passed over', async () => {
  const ground = memoryGround();
  const memory = await openMemory(ground.folder, now);
  await memory.saveHandoff(handoffOf());
  const place = join(ground.folder, 'project/handoffs');
  const name = (number: number) => join(place, `20261121T10000000${number}Z-abcde-1.yaml`);
  writeFileSync(name(1), 'version: 1\n');
  writeFileSync(name(2), Buffer.alloc(200 * 1024, 'a'));
  symlinkSync(join(ground.folder, path), name(3));
  makeNamedPipe(name(4));
  mkdirSync(name(5));
  writeFileSync(name(6), 'a: &a [x]\nb: [*a, *a]\n');
  writeFileSync(join(place, 'zzz.yaml'), formatHandoff(handoffOf()));
  const newest = await memory.newestHandoffs('project');
  expect([newest.handoffs.length, newest.skipped, newest.older]).toEqual([1, 6, 0]);
});

test('of 10,000 handoffs the newest 50 are read, by their names', async () => {
  const { folder } = memoryGround();
  const place = join(folder, 'project/handoffs');
  mkdirSync(place, { recursive: true });
  writeFileSync(join(folder, 'one.yaml'), formatHandoff(handoffOf()));
  for (let number = 0; number < 10_000; number += 1)
    linkSync(
      join(folder, 'one.yaml'),
      join(place, `2026112${number % 9}T10${String(number).padStart(7, '0')}Z-abcde-1.yaml`),
    );
  const at = performance.now();
  const newest = await newestHandoffs(handoffFiles(), folder, 'project');
  process.stdout.write(`the newest 50 of 10,000 handoffs: ${Math.round(performance.now() - at)} ms\n`);
  expect([newest.handoffs.length, newest.skipped, newest.older]).toEqual([50, 0, 9_950]);
  expect(newest.handoffs[0]?.file).toBe('20261128T100009998Z-abcde-1.yaml');
  expect(newest.handoffs[49]?.file).toBe('20261128T100009557Z-abcde-1.yaml');
}, 30_000);
