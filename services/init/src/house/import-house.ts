import { randomBytes } from 'node:crypto';
import { lchown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { homeSentinelFile } from '@countersign/contracts/home.ts';
import { type HouseManifest, HouseNote, houseNotes, type ImportPlan } from '@countersign/contracts/house.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Owner } from '../folder.ts';
import { sentinelText } from '../sentinel.ts';
import { openArchive } from './archive.ts';
import type { ByteReader } from './byte-reader.ts';
import { type Examined, examine } from './examine.ts';
import { HouseError } from './house-error.ts';
import { placeHouse, readPlan, type Step, writePlan } from './place.ts';
import type { Places } from './places.ts';
import { checkPassphrase, type DeriveKey } from './seal.ts';
import { Staging, stagedIn } from './staging.ts';
import { whatStands } from './standing-home.ts';

export type ImportReport = {
  readonly home: string;
  readonly exported_at: string;
  readonly archive: string;
  readonly files: number;
  readonly bytes: number;
  readonly tasks: HouseManifest['tasks'];
  readonly with_workspaces: boolean;
  /** Needed by tasks that have not ended, and not in the archive. */
  readonly workspaces_to_bring: HouseManifest['workspaces'];
  /** Links that led out of their workspaces. */
  readonly links_left_out: readonly string[];
  /** Where what was here before is kept. */
  readonly kept: readonly string[];
};

export type ImportOptions = {
  /** Whose everything becomes. */
  readonly owner: Owner;
  /** Whatever house is here is moved aside. */
  readonly replace: boolean;
  readonly now: Date;
  /** Called before each change that cannot be taken back, for tests of a death there. */
  readonly step?: Step;
};

const namedLinks = 50;

/**
 * Reads an archive to its end and changes nothing.
 * @throws HouseError when it cannot be imported here
 */
export async function verifyHouse(
  places: Places,
  options: Pick<ImportOptions, 'replace'>,
  passphrase: Buffer,
  reader: ByteReader,
  deriveKey?: DeriveKey,
): Promise<Examined> {
  checkPassphrase(passphrase);
  const examined = await examine(await openArchive(reader, passphrase, deriveKey), places, async ({ content }) => {
    for await (const _part of content);
  });
  const plan = await readPlan(places);
  if (plan !== null && plan.phase !== 'unpacking') {
    if (plan.archive === examined.digest) return examined;
    throw new HouseError(
      `Another archive (SHA-256 ${plan.archive}) is half imported here. Import that one again first: it goes on where it stopped.`,
    );
  }
  const stands = await whatStands(places.home, examined.workspaces);
  if (stands.length > 0 && !options.replace)
    throw new HouseError(
      `This house is not empty: it holds ${stands.join(', ')}. A house is imported into a fresh one; with --replace what is here is moved aside and kept. Nothing was changed.`,
    );
  return examined;
}

/**
 * Puts an archive's house in the place of the one that is here. Safe to repeat after a death at any point: until everything is unpacked
 * and was found good nothing has changed, and from then on it is only gone on with.
 * @throws HouseError
 */
export async function importHouse(
  places: Places,
  options: ImportOptions,
  passphrase: Buffer,
  reader: ByteReader,
  deriveKey?: DeriveKey,
): Promise<ImportReport> {
  checkPassphrase(passphrase);
  const archive = await openArchive(reader, passphrase, deriveKey);
  const begun = await readPlan(places);
  if (begun !== null && begun.phase !== 'unpacking') {
    const examined = await examine(archive, places, async ({ content }) => {
      for await (const _part of content);
    });
    if (examined.digest !== begun.archive) throw new HouseError('Another archive is half imported here.');
    return report(examined, [], await placeHouse(places, begun, options.step));
  }
  const id = randomBytes(16).toString('hex');
  const unpacking: ImportPlan = { version: 1, id, archive: '0'.repeat(64), phase: 'unpacking' };
  await writePlan(places, unpacking);
  const { uid, gid } = await stat(places.configs);
  const staging = await Staging.begin(places, { services: options.owner, configs: { uid, gid } });
  const examined = await examine(archive, places, (arriving) => staging.take(arriving));
  const stands = await whatStands(places.home, examined.workspaces);
  if (stands.length > 0 && !options.replace)
    throw new HouseError(`This house is not empty: it holds ${stands.join(', ')}.`);
  await addOwnFiles(places, options, examined, id);
  const kept = await placeHouse(places, { ...unpacking, archive: examined.digest }, options.step);
  return report(examined, staging.leftOut, kept);
}

/** What is of this machine: whose the home is, and the note by which the runner learns what has happened. */
async function addOwnFiles(
  places: Places,
  { owner, now }: ImportOptions,
  examined: Examined,
  id: string,
): Promise<void> {
  const { manifest, sentinel, digest } = examined;
  const staged = stagedIn(places.home);
  const notes = join(staged, 'runs', houseNotes);
  const note = HouseNote.parse({
    version: 1,
    kind: 'imported',
    id,
    at: now.toISOString(),
    archive: digest,
    home: manifest.home,
    exported_at: manifest.created_at,
    product_version: manifest.product_version,
    with_workspaces: manifest.with_workspaces,
  });
  await mkdir(notes, { recursive: true, mode: 0o755 });
  await writeFileAtomic(join(notes, `${id}.json`), JSON.stringify(note), 0o644);
  await writeFileAtomic(join(staged, homeSentinelFile), sentinelText({ ...sentinel, ...owner }), 0o644);
  for (const path of [notes, join(notes, `${id}.json`), join(staged, homeSentinelFile)])
    await lchown(path, owner.uid, owner.gid);
}

function report(
  { manifest, digest, files, bytes, workspaces }: Examined,
  leftOut: readonly string[],
  kept: readonly string[],
): ImportReport {
  return {
    home: manifest.home,
    exported_at: manifest.created_at,
    archive: digest,
    files,
    bytes,
    tasks: manifest.tasks,
    with_workspaces: manifest.with_workspaces,
    workspaces_to_bring: manifest.workspaces.filter(
      ({ name, needed_by }) => needed_by.length > 0 && !workspaces.includes(name),
    ),
    links_left_out: leftOut.slice(0, namedLinks),
    kept,
  };
}
