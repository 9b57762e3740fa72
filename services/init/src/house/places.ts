import { join } from 'node:path';

/** Where in the container the parts of a house lie. */
export type Places = {
  /** `volumes/`. */
  readonly home: string;
  readonly configs: string;
  readonly secrets: string;
  /** The folder of the named volumes. */
  readonly named: string;
};

/** Folders of the home that are state as a whole. `workspaces` goes by its parts; logs, caches and locks stay where they are. */
export const homeFolders = ['inbox', 'outbox', 'runs', 'memory'] as const;
/** Of services that keep keys or tokens. */
export const secretFolders = ['cli', 'runner', 'launcher', 'enrol', 'matrix-listener', 'dashboard', 'synapse'] as const;
/** Volumes that hold state; all others are sockets, slots, a model that can be had again or an index that is made again. */
export const stateVolumes = ['listener-state', 'spool-shell', 'spool-matrix', 'spool-dashboard', 'synapse'] as const;

type Root = keyof Places;
const below: Readonly<Record<Root, readonly string[] | null>> = {
  home: [...homeFolders, 'workspaces', '.countersign.json'],
  configs: null,
  secrets: secretFolders,
  named: stateVolumes,
};

function isRoot(name: string): name is Root {
  return Object.hasOwn(below, name);
}

/** Whether a house has something of this name, which is relative to an archive's root. */
export function isPartOfHouse(name: string): boolean {
  const [root = '', part] = name.split('/');
  if (!isRoot(root)) return false;
  return part === undefined || below[root]?.includes(part) !== false;
}

/** Which mount a member belongs into; a rename from one to another is not possible. */
export function mountOf(places: Places, name: string): { readonly mount: string; readonly rest: string } {
  const [root = '', part = '', ...more] = name.split('/');
  if (!isRoot(root)) throw new Error(`${name} is no part of a house`);
  if (root === 'named') return { mount: join(places.named, part), rest: more.join('/') };
  return { mount: places[root], rest: [part, ...more].filter((step) => step !== '').join('/') };
}
