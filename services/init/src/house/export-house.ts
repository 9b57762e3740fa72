import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { homeSentinelFile } from '@countersign/contracts/home.ts';
import { type HouseManifest, houseFormat } from '@countersign/contracts/house.ts';
import { readRegularFile } from '../regular-file.ts';
import { parseSentinel } from '../sentinel.ts';
import { writeArchive } from './archive.ts';
import { HouseError } from './house-error.ts';
import { partsOfHouse } from './parts.ts';
import type { Places } from './places.ts';
import { checkPassphrase, type DeriveKey, makeSalt } from './seal.ts';
import { surveyTasks } from './survey.ts';
import { packTar } from './tar.ts';
import type { Found } from './walk.ts';

export type ExportReport = {
  /** SHA-256 of the archive, and its length in bytes. */
  readonly archive: string;
  readonly archive_bytes: number;
  readonly home: string;
  readonly created_at: string;
  readonly files: number;
  /** Before it was compressed and sealed. */
  readonly bytes: number;
  readonly with_workspaces: boolean;
  readonly workspaces: HouseManifest['workspaces'];
  readonly tasks: HouseManifest['tasks'];
  /** What could not be carried: sockets and pipes in a workspace, for instance. */
  readonly left_behind: readonly string[];
};

const namedLeftovers = 20;

/**
 * Writes the whole house into one archive, while nobody changes it. Nothing of the house is changed.
 * @throws HouseError; `busy` when it is worth another try in a moment
 */
export async function exportHouse(
  places: Places,
  options: { readonly withWorkspaces: boolean; readonly productVersion: string; readonly now: Date },
  passphrase: Buffer,
  output: Writable,
  deriveKey?: DeriveKey,
): Promise<ExportReport> {
  checkPassphrase(passphrase);
  const path = join(places.home, homeSentinelFile);
  const text = await readRegularFile(path);
  if (text === null) throw new HouseError(`there is no ${path}: no house was ever started here. Run scripts/up first.`);
  const sentinel = parseSentinel(path, text);
  const survey = await surveyTasks(places.home);
  const manifest: HouseManifest = {
    version: houseFormat,
    product: 'countersign',
    product_version: options.productVersion,
    home_format: sentinel.writtenAs,
    home: sentinel.id,
    created_at: options.now.toISOString(),
    architecture: process.arch,
    with_workspaces: options.withWorkspaces,
    workspaces: [...survey.workspaces],
    tasks: survey.tasks,
    seal: { key: 'scrypt-131072-8-1', salt: makeSalt(), cipher: 'aes-256-gcm' },
  };
  const count = { files: 0, bytes: 0 };
  const left: string[] = [];
  async function* counted(found: AsyncIterable<Found>): AsyncGenerator<Found> {
    for await (const one of found) {
      if (one.member.kind === 'file') {
        count.files += 1;
        count.bytes += one.member.size;
      }
      yield one;
    }
  }
  const parts = partsOfHouse(places, options.withWorkspaces, (name) => left.push(name));
  const hash = createHash('sha256');
  let length = 0;
  async function* hashed(archive: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of archive) {
      hash.update(part);
      length += part.length;
      yield part;
    }
  }
  await pipeline(hashed(writeArchive(manifest, passphrase, packTar(counted(parts)), deriveKey)), output);
  const { home, created_at, with_workspaces, workspaces, tasks } = manifest;
  return {
    archive: hash.digest('hex'),
    archive_bytes: length,
    home,
    created_at,
    ...count,
    with_workspaces,
    workspaces,
    tasks,
    left_behind: left.slice(0, namedLeftovers),
  };
}
