import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { root } from './stack.ts';

const Names = z.record(z.string(), z.string()).default({});
const Manifest = z.looseObject({
  name: z.string(),
  private: z.boolean().optional(),
  scripts: Names,
  dependencies: Names,
  devDependencies: Names,
  optionalDependencies: Names,
  allowScripts: z.record(z.string(), z.boolean()).default({}),
});
export type Manifest = z.infer<typeof Manifest>;

const Locked = z.looseObject({
  /** Only where it is another one than the folder's. */
  name: z.string().optional(),
  version: z.string().optional(),
  /** Where the bytes come from, or for a link, the folder it leads to. */
  resolved: z.string().optional(),
  link: z.boolean().default(false),
  integrity: z.string().optional(),
  hasInstallScript: z.boolean().default(false),
  dependencies: Names,
  optionalDependencies: Names,
});
export type Locked = z.infer<typeof Locked>;

/** The project's own manifest, each service's, and that of what images are made with, by the folder in which it lies. */
export function manifests(): ReadonlyMap<string, Manifest> {
  const paths = [
    'package.json',
    ...globSync(['services/*/package.json', 'images/bundle/package.json'], { cwd: root }).sort(),
  ];
  return new Map(paths.map((path) => [path.replace(/\/?package\.json$/, ''), read(path, Manifest)]));
}

/** What `package-lock.json` says of each folder that npm makes. */
export function lockedPackages(): ReadonlyMap<string, Locked> {
  return new Map(
    Object.entries(read('package-lock.json', z.object({ packages: z.record(z.string(), Locked) })).packages),
  );
}

/** The name by which a package is asked for: that of its folder. */
export function nameOf(folder: string): string {
  return folder.split('node_modules/').at(-1) ?? folder;
}

/** Every folder below `node_modules/` that a service brings into its image. */
export function neededBy(service: string, locked: ReadonlyMap<string, Locked>): ReadonlySet<string> {
  const found = new Set<string>();
  const left = [`services/${service}`];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    const { dependencies, optionalDependencies } = locked.get(folder) ?? Locked.parse({});
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const next = resolve(folder, name, locked);
      if (next === undefined || found.has(next)) continue;
      found.add(next);
      left.push(next);
    }
  }
  return new Set([...found].filter((folder) => folder.includes('node_modules/')));
}

/** As Node looks for it: in the folder's own node_modules, then in those above. */
function resolve(folder: string, name: string, locked: ReadonlyMap<string, Locked>): string | undefined {
  for (let above = folder; ; above = above.replace(/(?:^|\/)(?:node_modules\/(?:@[^/]+\/)?)?[^/]+$/, '')) {
    const candidate = above === '' ? `node_modules/${name}` : `${above}/node_modules/${name}`;
    const seen = locked.get(candidate);
    if (seen !== undefined) return seen.link ? seen.resolved : candidate;
    if (above === '') return undefined;
  }
}

function read<T>(path: string, schema: z.ZodType<T>): T {
  return schema.parse(JSON.parse(readFileSync(join(root, path), 'utf8')));
}
