import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { makeModelSlot, removeModelSlot } from './model-slot.ts';

const id = 'a'.repeat(32);

/** The volume, the slot's folder in it, and a folder of the runner's that the gateway would like to reach. */
function begin() {
  const folder = scratchFolder();
  const [modelSlots, victim] = [join(folder, 'model-slots'), join(folder, 'victim')];
  mkdirSync(modelSlots);
  mkdirSync(victim, { mode: 0o700 });
  writeFileSync(join(victim, 'file'), 'x');
  return { modelSlots, path: join(modelSlots, id), victim };
}

test('a folder is made that others can pass through only, and one that is there is taken over', async () => {
  const { modelSlots, path } = begin();
  await makeModelSlot(modelSlots, id);
  for (const name of ['ollama.sock', 'synapse.sock']) writeFileSync(join(path, name), '');
  await makeModelSlot(modelSlots, id);
  expect(statSync(path).mode & 0o777).toBe(0o711);
  await removeModelSlot(modelSlots, id);
  await removeModelSlot(modelSlots, id);
  expect(readdirSync(modelSlots)).toEqual([]);
});

test('S008 a link in the folder’s place is not followed, and is removed itself', async () => {
  const { modelSlots, path, victim } = begin();
  symlinkSync(victim, path);
  await expect(makeModelSlot(modelSlots, id)).rejects.toThrow('ENOTDIR');
  expect(statSync(victim).mode & 0o777).toBe(0o700);
  await removeModelSlot(modelSlots, id);
  expect(readdirSync(modelSlots)).toEqual([]);
  expect(readdirSync(victim)).toEqual(['file']);
});

test('S008 S045 what the gateway has put beside its socket is left, and nothing below is walked', async () => {
  const { modelSlots, path, victim } = begin();
  await makeModelSlot(modelSlots, id);
  mkdirSync(join(path, 'deep'));
  symlinkSync(victim, join(path, 'deep', 'link'));
  await expect(removeModelSlot(modelSlots, id)).rejects.toThrow('ENOTEMPTY');
  expect(existsSync(join(path, 'deep', 'link'))).toBe(true);
  expect(readdirSync(victim)).toEqual(['file']);
});
