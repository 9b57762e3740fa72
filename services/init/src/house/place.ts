import { execFile } from 'node:child_process';
import { cp, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { homeSentinelFile } from '@countersign/contracts/home.ts';
import { ImportPlan, importFolder } from '@countersign/contracts/house.ts';
import { exists, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { readRegularFile } from '../regular-file.ts';
import { HouseError } from './house-error.ts';
import { asidePrefix, entriesOf } from './parts.ts';
import { homeFolders, type Places, secretFolders, stateVolumes } from './places.ts';
import { mountsOf, stagedIn } from './staging.ts';

/** So long does a disk have to write out everything that was unpacked. */
const syncMs = 10 * 60 * 1000;
/** Something is about to be changed. */
export type Step = () => void;
const nothing: Step = () => undefined;

const planFile = ({ home }: Places): string => join(home, importFolder, 'plan.json');

/** How far an import into this house has come; null when none is under way. @throws HouseError for a damaged plan */
export async function readPlan(places: Places): Promise<ImportPlan | null> {
  const text = await readRegularFile(planFile(places));
  if (text === null) return null;
  try {
    return ImportPlan.parse(JSON.parse(text));
  } catch (cause) {
    throw new HouseError(`${planFile(places)} is damaged: nobody can say how far an import has come`, { cause });
  }
}

export async function writePlan(places: Places, plan: ImportPlan): Promise<void> {
  await mkdir(dirname(planFile(places)), { recursive: true, mode: 0o700 });
  await writeFileAtomic(planFile(places), JSON.stringify(plan), 0o600);
  await syncFolder(places.home);
}

/** Everything that was unpacked is on the disk before the first thing is moved. */
async function syncStaged(places: Places): Promise<void> {
  const disks = new Map<number, string>();
  for (const mount of mountsOf(places)) disks.set((await stat(mount)).dev, stagedIn(mount));
  for (const path of disks.values()) await promisify(execFile)('sync', ['-f', path], { timeout: syncMs });
}

/**
 * Puts the unpacked house into its place; what was there goes aside and is kept. Invariant: the plan says `clearing` until everything
 * old is aside, and `placing` from then on; each step is one rename that is left out where it was made before, so this is gone on with
 * after a death at any point. Returns the folders that keep what was there, relative to the mounts.
 * @param step called before each change, for tests of a death there
 */
export async function placeHouse(places: Places, begun: ImportPlan, step: Step = nothing): Promise<string[]> {
  let plan = begun;
  if (plan.phase === 'unpacking') {
    await syncStaged(places);
    plan = { ...plan, phase: 'clearing' };
    step();
    await writePlan(places, plan);
  }
  const aside = `${asidePrefix}${plan.id.slice(0, 8)}`;
  if (plan.phase === 'clearing') {
    await clear(places, aside, step);
    plan = { ...plan, phase: 'placing' };
    step();
    await writePlan(places, plan);
  }
  for (const unit of await stagedUnits(places)) {
    step();
    await placeUnit(unit);
  }
  for (const mount of mountsOf(places)) await syncFolder(mount);
  step();
  await keepEmptyFolders(places, aside);
  // The plan goes last: while it is there, nothing starts.
  for (const mount of mountsOf(places).filter((path) => path !== places.home)) {
    step();
    await rm(join(mount, importFolder), { recursive: true, force: true });
  }
  step();
  await rm(stagedIn(places.home), { recursive: true, force: true });
  step();
  await rm(join(places.home, importFolder), { recursive: true, force: true });
  await syncFolder(places.home);
  const kept = [
    { path: join(places.home, aside), name: `volumes/${aside}` },
    { path: join(places.secrets, aside), name: `secrets/${aside}` },
  ];
  const there = await Promise.all(kept.map(({ path }) => exists(path)));
  return kept.filter((_folder, index) => there[index]).map(({ name }) => name);
}

type Unit = { readonly staged: string; readonly target: string };

/** What is moved by one rename each. The home's sentinel is the last one: with it the house is another one. */
async function stagedUnits(places: Places): Promise<Unit[]> {
  const of = async (mount: string, below = ''): Promise<Unit[]> =>
    (await entriesOf(join(stagedIn(mount), below))).map(({ name }) => ({
      staged: join(stagedIn(mount), below, name),
      target: join(mount, below, name),
    }));
  const home = (await of(places.home)).filter(({ target }) => target !== join(places.home, 'workspaces'));
  const isSentinel = ({ target }: Unit) => target === join(places.home, homeSentinelFile);
  return [
    ...(await of(places.secrets)),
    ...(await of(places.configs)),
    ...(await Promise.all(stateVolumes.map((volume) => of(join(places.named, volume))))).flat(),
    ...(await of(places.home, 'workspaces')),
    ...home.filter((unit) => !isSentinel(unit)),
    ...home.filter(isSentinel),
  ];
}

async function placeUnit({ staged, target }: Unit): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await rename(staged, target);
}

/** Moves aside whatever the units would meet, and of the volumes everything: a database's parts must not meet another one's. */
async function clear(places: Places, aside: string, step: Step): Promise<void> {
  // The sentinel first: without it no runner takes this for its home.
  for (const { target } of (await stagedUnits(places)).reverse()) {
    if (target.startsWith(`${places.home}/`))
      await moveAside(target, join(places.home, aside, target.slice(places.home.length)), step);
    else if (target.startsWith(`${places.secrets}/`))
      await moveAside(target, join(places.secrets, aside, target.slice(places.secrets.length)), step);
    // Configurations may lie in a checkout, in which nothing is to be left.
    else if (target.startsWith(`${places.configs}/`))
      await copyAside(target, join(places.home, aside, 'configs', target.slice(places.configs.length)), step);
  }
  for (const volume of stateVolumes) {
    const folder = join(places.named, volume);
    if ((await entriesOf(stagedIn(folder))).length === 0) continue;
    for (const { name } of await entriesOf(folder)) {
      if (name === importFolder || name.startsWith(asidePrefix)) continue;
      if (volume === 'synapse') await moveAside(join(folder, name), join(folder, aside, name), step);
      else await copyAside(join(folder, name), join(places.home, aside, volume, name), step);
    }
  }
}

async function moveAside(path: string, aside: string, step: Step): Promise<void> {
  if (!(await exists(path))) return;
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  step();
  await rename(path, aside);
  await syncFolder(dirname(aside));
}

async function copyAside(path: string, aside: string, step: Step): Promise<void> {
  if (!(await exists(path))) return;
  await mkdir(dirname(aside), { recursive: true, mode: 0o700 });
  await cp(path, aside, { recursive: true, force: true, verbatimSymlinks: true });
  step();
  await rm(path, { recursive: true, force: true });
}

/** The empty files by which a checkout keeps its folders. */
async function keepEmptyFolders(places: Places, aside: string): Promise<void> {
  const kept = [
    ...homeFolders.map((name) => [join(places.home, aside, name), join(places.home, name)]),
    ...secretFolders.map((name) => [join(places.secrets, aside, name), join(places.secrets, name)]),
  ];
  for (const [before = '', now = ''] of kept) {
    const isDue = await exists(join(before, '.gitkeep'));
    if (isDue && !(await exists(join(now, '.gitkeep')))) await writeFile(join(now, '.gitkeep'), '');
  }
}
