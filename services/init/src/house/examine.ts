import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type HomeSentinel, homeFormat, homeSentinelFile } from '@countersign/contracts/home.ts';
import type { HouseManifest } from '@countersign/contracts/house.ts';
import { houseLimits } from '@countersign/contracts/limits.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { parseSentinel } from '../sentinel.ts';
import type { OpenedArchive } from './archive.ts';
import { HouseError } from './house-error.ts';
import { mountOf, type Places } from './places.ts';
import { type Arriving, unpackTar } from './tar.ts';

const sentinelMember = `home/${homeSentinelFile}`;
const sentinelBytes = 64 * 1024;
/** What a file takes beyond its bytes, and a folder and a link at all. */
const blockBytes = 4096;

export type Examined = {
  readonly manifest: HouseManifest;
  readonly sentinel: HomeSentinel;
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  readonly workspaces: readonly string[];
};

/**
 * Reads an archive to its end, and gives each member to `take` after it was checked. Whatever is wrong with the archive, or does not
 * fit onto this machine, is a HouseError; only what was given to `take` before it has had an effect.
 */
export async function examine(
  { manifest, content, digest }: OpenedArchive,
  places: Places,
  take: (arriving: Arriving) => Promise<void>,
): Promise<Examined> {
  if (manifest.home_format > homeFormat)
    throw new HouseError(
      `The archive's house is of format ${manifest.home_format}, which a newer Countersign (${manifest.product_version}) wrote; this one knows ${homeFormat}. Nothing was changed: import it with the newer version.`,
    );
  const room = new Room(places);
  const count = { files: 0, bytes: 0 };
  const workspaces: string[] = [];
  let sentinel: HomeSentinel | null = null;
  for await (const arriving of unpackTar(content)) {
    const { member } = arriving;
    await room.take(member.name, member.kind === 'file' ? member.size : 0);
    if (member.kind === 'file') {
      count.files += 1;
      count.bytes += member.size;
    }
    const workspace = /^home\/workspaces\/([^/]+)$/.exec(member.name)?.[1];
    if (workspace !== undefined) workspaces.push(workspace);
    if (member.name === sentinelMember) sentinel = await readSentinelMember(arriving);
    else await take(arriving);
  }
  if (sentinel === null || sentinel.id !== manifest.home)
    throw new HouseError(
      'The archive is refused: it does not hold the house that its manifest names. Nothing was changed.',
    );
  return { manifest, sentinel, digest: digest(), ...count, workspaces };
}

async function readSentinelMember({ member, content }: Arriving): Promise<HomeSentinel> {
  if (member.kind !== 'file' || member.size > sentinelBytes)
    throw new HouseError(`The archive is refused: ${member.name} is no small file. Nothing was changed.`);
  const text = Buffer.concat(await Array.fromAsync(content)).toString('utf8');
  const { writtenAs: _writtenAs, ...sentinel } = parseSentinel(`${member.name} of the archive`, text);
  return sentinel;
}

/** Whether everything finds room. A few bytes of an archive can stand for any number on the disk. */
class Room {
  readonly #places: Places;
  readonly #left = new Map<string, number>();

  constructor(places: Places) {
    this.#places = places;
  }

  /** @throws HouseError as soon as a file system would be fuller than it may be */
  async take(name: string, bytes: number): Promise<void> {
    if (name === 'named') return;
    const { mount } = mountOf(this.#places, name);
    const before = this.#left.get(mount) ?? (await freeBytes(mount)) - houseLimits.spareBytes;
    const left = before - Math.ceil(bytes / blockBytes) * blockBytes - blockBytes;
    if (left < 0)
      throw new HouseError(
        `There is not enough room for the archive in ${mount}: make room on that disk and run this again. Nothing was changed.`,
      );
    this.#left.set(mount, left);
  }
}

async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (cause) {
    if (isMissing(cause)) throw new HouseError(`${join(path)} is not mounted: run scripts/up first.`, { cause });
    throw cause;
  }
}
