import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '@countersign/kit/journal.ts';
import { Layout } from '../../../services/runner/src/state/layout.ts';
import { RunStore } from '../../../services/runner/src/state/run-store.ts';
import { TaskStore } from '../../../services/runner/src/state/task-store.ts';
import type { House } from './house.ts';
import { findBroken, type Witness } from './invariants.ts';

/**
 * I8, on a copy of what a death left of queue and runs: what recovery makes of it is sound, and recovering that once more changes
 * nothing.
 */
export async function findUnrecovered(house: House, witness: Witness): Promise<string[]> {
  const home = join(house.folder, 'recovered');
  mkdirSync(home);
  for (const name of ['inbox', 'outbox', 'runs'])
    cpSync(join(house.layout.home, name), join(home, name), { recursive: true, preserveTimestamps: true });
  const layout = new Layout(home);
  await recover(layout);
  const broken = findBroken(layout, witness).map((what) => `after recovery, ${what}`);
  const first = everyFile(home);
  await recover(layout);
  const second = everyFile(home);
  for (const path of new Set([...first.keys(), ...second.keys()]))
    if (first.get(path) !== second.get(path)) broken.push(`I8: a second recovery changes ${path}`);
  rmSync(home, { recursive: true });
  return broken;
}

async function recover(layout: Layout): Promise<void> {
  await using runs = await RunStore.open(layout);
  await TaskStore.recover(layout, runs);
  const journal = await Journal.open(layout.ownJournal);
  await journal.close();
}

function everyFile(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => [
        join(parentPath, name).slice(folder.length + 1),
        readFileSync(join(parentPath, name), 'latin1'),
      ]),
  );
}
