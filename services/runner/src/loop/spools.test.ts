import { mkdirSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
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
    return await readdir(path);
  };
  const spools = new Spools(root, logger, new Troubles(logger), read);
  expect(await spools.list()).toEqual([{ channel: 'shell', path: join(root, 'shell', '1.json') }]);
});
