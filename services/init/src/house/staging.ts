import { constants } from 'node:fs';
import { lchown, lutimes, mkdir, open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { importFolder } from '@countersign/contracts/house.ts';
import type { Owner } from '../folder.ts';
import { HouseError } from './house-error.ts';
import { type Member, staysInWorkspace } from './member.ts';
import { mountOf, type Places, stateVolumes } from './places.ts';
import type { Arriving } from './tar.ts';

/** Where in a mount the parts that are to be placed in it wait. */
export const stagedIn = (mount: string): string => join(mount, importFolder, 'staged');

export function mountsOf(places: Places): string[] {
  return [places.home, places.secrets, places.configs, ...stateVolumes.map((volume) => join(places.named, volume))];
}

/**
 * Unpacks members beside their places, in folders that nobody else can enter. Every folder was made here, so no name leads through
 * anything that was there before, nor through a link of the archive.
 */
export class Staging {
  readonly #places: Places;
  readonly #owners: { readonly services: Owner; readonly configs: Owner };
  /** Links that lead out of their workspaces; they are not made. */
  readonly leftOut: string[] = [];

  constructor(places: Places, owners: { readonly services: Owner; readonly configs: Owner }) {
    this.#places = places;
    this.#owners = owners;
  }

  static async begin(...parts: ConstructorParameters<typeof Staging>): Promise<Staging> {
    for (const mount of mountsOf(parts[0])) {
      await rm(stagedIn(mount), { recursive: true, force: true });
      await mkdir(join(mount, importFolder), { recursive: true, mode: 0o700 });
      await mkdir(stagedIn(mount), { mode: 0o700 });
    }
    return new Staging(...parts);
  }

  async take({ member, content }: Arriving): Promise<void> {
    // What stands for a mount itself is there.
    if (member.name === 'named') return;
    const { mount, rest } = mountOf(this.#places, member.name);
    if (rest === '') return;
    const path = join(stagedIn(mount), rest);
    const owner = member.name.startsWith('configs/') ? this.#owners.configs : this.#owners.services;
    try {
      if (member.kind === 'link') {
        if (!staysInWorkspace(member.name, member.target)) {
          this.leftOut.push(`${member.name} -> ${member.target}`);
          return;
        }
        await symlink(member.target, path);
        await lchown(path, owner.uid, owner.gid);
        return;
      }
      if (member.kind === 'folder') await makeFolder(path, member, owner);
      else await makeFile(path, member, content, owner);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      throw new HouseError(
        `${member.name} is there twice on this file system, which does not tell its name from another one's. Nothing was changed.`,
        { cause: error },
      );
    }
  }
}

async function makeFolder(path: string, { mode }: Member, owner: Owner): Promise<void> {
  await mkdir(path, { mode: 0o700 });
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  await folder.chmod(mode | 0o700);
  await folder.chown(owner.uid, owner.gid);
}

async function makeFile(path: string, member: Member, content: AsyncIterable<Uint8Array>, owner: Owner): Promise<void> {
  {
    await using file = await open(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    for await (const part of content) await file.writeFile(part);
    await file.chmod(member.mode);
    await file.chown(owner.uid, owner.gid);
  }
  await lutimes(path, member.changedAt, member.changedAt);
}
