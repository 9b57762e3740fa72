import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { homeSentinelFile } from '@countersign/contracts/home.ts';
import { houseNotes } from '@countersign/contracts/house.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { homeFolders, type Places, secretFolders, stateVolumes } from './places.ts';
import { type Found, walk } from './walk.ts';

/** What another file is written as before it gets its name. */
const temporary = /^\.[0-9a-f]{24}\.tmp$/;
/** A cache, a lock, room that is kept for a full disk, and notes on what was done to this very home. */
const ofThisMachine: ReadonlySet<string> = new Set(
  ['.cache', '.runner.lock', '.reserve', houseNotes].map((name) => `home/runs/${name}`),
);
/** What an earlier import kept of the house before it. */
export const asidePrefix = '.before-import-';

/**
 * Everything that is state, in an archive's order. Left behind: logs, caches, locks, half-written files, what a sandbox was just
 * delivering, and worktrees of `open`, which are of this machine alone.
 * @param left told of what is no file, folder or link
 */
export async function* partsOfHouse(
  places: Places,
  withWorkspaces: boolean,
  left: (name: string) => void,
): AsyncGenerator<Found> {
  const { home, configs, secrets, named } = places;
  yield* folder(home, 'home');
  yield* walk(join(home, homeSentinelFile), `home/${homeSentinelFile}`, nothing, left);
  for (const name of homeFolders) yield* walk(join(home, name), `home/${name}`, isPassing, left);
  if (withWorkspaces) {
    yield* folder(join(home, 'workspaces'), 'home/workspaces');
    for (const name of await workspacesOf(home))
      yield* walk(join(home, 'workspaces', name), `home/workspaces/${name}`, nothing, left);
  }
  yield* walk(configs, 'configs', (name) => name.startsWith('configs/.'), left);
  yield* folder(secrets, 'secrets');
  for (const name of secretFolders) yield* walk(join(secrets, name), `secrets/${name}`, isPassing, left);
  yield* folder(named, 'named');
  for (const name of stateVolumes) yield* walk(join(named, name), `named/${name}`, isPassing, left);
}

/** Names of the folders below `workspaces/`; no link is one. */
export async function workspacesOf(home: string): Promise<string[]> {
  return (await entriesOf(join(home, 'workspaces')))
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();
}

export async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function* folder(path: string, name: string): AsyncGenerator<Found> {
  yield { member: { kind: 'folder', name, mode: 0o755, changedAt: new Date(0) }, path };
}

function nothing(): boolean {
  return false;
}

function isPassing(name: string): boolean {
  const own = name.slice(name.lastIndexOf('/') + 1);
  return (
    temporary.test(own) ||
    own.startsWith(asidePrefix) ||
    ofThisMachine.has(name) ||
    /^home\/runs\/[^/]+\/tasks\/[^/]+\/attempts\/\d+\/incoming$/.test(name)
  );
}
