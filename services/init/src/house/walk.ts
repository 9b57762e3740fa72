import { constants } from 'node:fs';
import { lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@countersign/kit/files.ts';
import { HouseError } from './house-error.ts';
import { isInWorkspace, type Member } from './member.ts';

/** A member and where its bytes are. */
export type Found = { readonly member: Member; readonly path: string };

/** What is left where it is, by its name in the archive. */
export type Leave = (name: string) => boolean;

/**
 * A folder and everything in it, each folder before what it holds. A file that goes while it is looked at is passed over. Within a
 * `.git` the objects come last: what names them was read before, so they are all there.
 * @param left told of what is no file, folder or link and cannot be carried
 * @throws HouseError for a name that no archive can hold
 */
export async function* walk(
  path: string,
  name: string,
  leave: Leave,
  left: (name: string) => void,
): AsyncGenerator<Found> {
  const found = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (found === null || leave(name)) return;
  const common = { name, mode: found.mode & 0o777, changedAt: found.mtime };
  if (found.isFile()) yield { member: { ...common, kind: 'file', size: found.size }, path };
  else if (found.isSymbolicLink() && isInWorkspace(name))
    yield { member: { ...common, kind: 'link', target: textOf(await readlink(path, 'buffer'), name) }, path };
  else if (found.isDirectory()) {
    yield { member: { ...common, kind: 'folder' }, path };
    for (const own of await namesOf(path, name)) yield* walk(join(path, own), `${name}/${own}`, leave, left);
  } else left(name);
}

async function namesOf(path: string, name: string): Promise<string[]> {
  const names = (await readdir(path, { encoding: 'buffer' })).map((bytes) => textOf(bytes, name));
  const isLate = (own: string) => Number(own === 'objects' && name.endsWith('/.git'));
  return names.sort((a, b) => isLate(a) - isLate(b) || (a < b ? -1 : 1));
}

/**
 * Exactly the bytes that were announced of a file, though it grows meanwhile.
 * @throws HouseError when it has become shorter, or another thing
 */
export async function* contentOf({ member, path }: Found): AsyncGenerator<Buffer> {
  if (member.kind !== 'file') return;
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (!(await file.stat()).isFile()) throw changed(member.name);
  for (let at = 0; at < member.size; ) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(pieceBytes, member.size - at)), 0, null, at);
    if (bytesRead === 0) throw changed(member.name);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

const pieceBytes = 1024 * 1024;

function changed(name: string): HouseError {
  return new HouseError(`${name} changed while it was copied: run this again when nobody works in it.`, { busy: true });
}

/** @throws HouseError for bytes that are no text: an archive has no other names */
function textOf(bytes: Buffer, name: string): string {
  const text = bytes.toString('utf8');
  if (Buffer.from(text).equals(bytes)) return text;
  throw new HouseError(
    `${name} holds or is a name that is not UTF-8 (${JSON.stringify(text)}): rename it and run this again.`,
  );
}
