import { mkdirSync, writeFileSync } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { findSpools, Spools } from './spools.ts';
import { Troubles } from './troubles.ts';

const logger = createLogger('runner', 'silent');

function begin(...folders: string[]): string {
  const root = scratchFolder();
  for (const name of folders) {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, '1.json'), '{}');
  }
  return root;
}

test('a spool is a folder that is named for a channel', async () => {
  const root = begin('matrix', 'shell', 'lost+found', 'root');
  writeFileSync(join(root, 'dashboard'), '');
  expect(await findSpools(root)).toEqual([
    { channel: 'shell', path: join(root, 'shell') },
    { channel: 'matrix', path: join(root, 'matrix') },
  ]);
  expect(await findSpools(begin())).toEqual([]);
});

test('a spool that its writer has closed holds up no other', async () => {
  const root = begin('matrix', 'shell');
  const read = async (path: string) => {
    if (path.endsWith('matrix')) throw new Error('EACCES: permission denied');
    return await opendir(path);
  };
  const spools = new Spools(root, logger, new Troubles(logger), read);
  expect(await spools.list()).toEqual([{ channel: 'shell', path: join(root, 'shell', '1.json') }]);
});

test('names that no writer of commands chooses take no place from those that one does', async () => {
  const root = begin('matrix');
  for (const name of ['0 1.json', '0\u{fffd}.json', '.0.json', '0.json.tmp', `0${'x'.repeat(200)}.json`])
    writeFileSync(join(root, 'matrix', name), '{}');
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'matrix', '0')), Buffer.from([0xff]), Buffer.from('.json')]), '');
  const spools = new Spools(root, logger, new Troubles(logger));
  expect((await spools.list()).map(({ path }) => path)).toEqual([join(root, 'matrix', '1.json')]);
});

test('of a spool that is full of names, only so many are looked at', async () => {
  let looked = 0;
  async function* endless() {
    for (;;) yield { name: `${String(looked++).padStart(9, '0')}.json` };
  }
  const root = begin('matrix');
  const spools = new Spools(root, logger, new Troubles(logger), async () => endless());
  expect((await spools.list()).length).toBeLessThanOrEqual(commandLimits.verdictsPerMinute.matrix);
  expect(looked).toBe(commandLimits.spoolNames);
});

test('a channel has only so many commands judged in a minute, and takes nothing from another', async () => {
  const root = begin('matrix', 'shell');
  for (let index = 0; index < 300; index += 1) writeFileSync(join(root, 'matrix', `2-${index}.json`), '{}');
  const spools = new Spools(root, logger, new Troubles(logger));
  const count = async () => Object.groupBy(await spools.list(), ({ channel }) => channel);
  const first = await count();
  expect(first.matrix).toHaveLength(commandLimits.verdictsPerMinute.matrix);
  expect(first.shell).toHaveLength(1);
  const second = await count();
  expect(second.matrix).toBeUndefined();
  expect(second.shell).toHaveLength(1);
});
