import { join } from 'node:path';
import { DiffIndex, type RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import type { Sha256 } from '@countersign/contracts/names.ts';
import { sha256, sha256OfStream } from './digest.ts';
import { openRegularFile, readFileStart } from './regular-file.ts';

/** A saved diff's list of files, and the digest that its bytes have. */
export type DiffView = { readonly digest: Sha256; readonly index: DiffIndex };

/**
 * A part of a patch: bytes `offset` to `end` of `size`. `whole` says that it ends where a line does; the next part begins at
 * `end`.
 */
export type PatchPart = {
  readonly text: string;
  readonly offset: number;
  readonly end: number;
  readonly size: number;
  readonly whole: boolean;
};

/**
 * A saved diff cannot be shown. `changed`: its bytes are not those that the digest names, or nothing of ours; `unreadable`: it is
 * not there or the disk does not give it. The message names the file, and may have several lines.
 */
export class DiffViewError extends Error {
  readonly code: 'changed' | 'unreadable';
  constructor(code: DiffViewError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DiffViewError';
    this.code = code;
  }
}

/** In bytes: so many repositories with lists of the largest size, in letters of three bytes. */
const indexBytes = 128 * 1024 * 1024;
/** In bytes: what one part of a patch may be. */
const partBytes = 4 * 1024 * 1024;

/**
 * Reads the list of what an attempt changed. All text in it is an attacker's: whoever shows it makes it inert.
 * @param volumes the folder that holds `runs/`
 * @param attemptFolder relative to it: `runs/<run>/tasks/<task>/attempts/<n>`
 * @param expected of the task's record; without it only the form is checked, which is not enough for an approval
 * @throws DiffViewError when the bytes are not those that `expected` names
 */
export async function readDiffIndex(volumes: string, attemptFolder: string, expected?: Sha256): Promise<DiffView> {
  const path = `${attemptFolder}/diffs/index.json`;
  const bytes = await readWhole(volumes, path);
  const digest = sha256(bytes);
  if (expected !== undefined && digest !== expected) throw mismatch(path, expected, digest);
  try {
    return { digest, index: DiffIndex.parse(JSON.parse(bytes.toString('utf8'))) };
  } catch (cause) {
    throw new DiffViewError('changed', `${path} is not a list of changes: ${messageOf(cause)}`, { cause });
  }
}

/** Reads a whole patch and checks that it is the one that the index names. @throws DiffViewError when it is not */
export async function checkPatch(
  volumes: string,
  attemptFolder: string,
  patch: RepositoryDiff['patch'],
): Promise<void> {
  const path = patchPath(attemptFolder, patch.file);
  const digest = await digestOf(volumes, path);
  if (digest !== patch.sha256) throw mismatch(path, patch.sha256, digest);
}

/**
 * A whole patch that is the one which the index names, for a viewer that shows only its beginning; null for one of more bytes than
 * the limit. All of it is an attacker's text.
 * @throws DiffViewError
 */
export async function readSmallPatch(
  volumes: string,
  attemptFolder: string,
  patch: RepositoryDiff['patch'],
  limitBytes: number,
): Promise<string | null> {
  if (patch.bytes > limitBytes) return null;
  const path = patchPath(attemptFolder, patch.file);
  const { bytes, size } = await readFileStart(join(volumes, path), limitBytes, volumes).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  const digest = sha256(bytes);
  if (size > limitBytes || digest !== patch.sha256) throw mismatch(path, patch.sha256, digest);
  return bytes.toString('utf8');
}

async function digestOf(volumes: string, path: string): Promise<Sha256> {
  try {
    await using handle = await openRegularFile(join(volumes, path), volumes);
    return await sha256OfStream(handle.createReadStream({ autoClose: false }));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/**
 * Reads a patch from a byte on, at most `bytes` of it, cut behind its last line feed; a line longer than that is cut inside. What
 * is read is not checked against a digest: `checkPatch` does that. All of it is an attacker's text.
 * @throws DiffViewError
 */
export async function readPatchPart(
  volumes: string,
  attemptFolder: string,
  file: string,
  asked: { readonly offset: number; readonly bytes: number },
): Promise<PatchPart> {
  const path = patchPath(attemptFolder, file);
  const offset = Math.max(0, asked.offset);
  const room = Math.max(1, Math.min(asked.bytes, partBytes));
  try {
    await using handle = await openRegularFile(join(volumes, path), volumes);
    const { size } = await handle.stat();
    const buffer = Buffer.alloc(Math.max(0, Math.min(room, size - offset)));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, offset);
    const read = buffer.subarray(0, bytesRead);
    const length = offset + bytesRead >= size ? bytesRead : cutAtLine(read);
    const end = offset + length;
    const text = read.toString('utf8', 0, length);
    return { text, offset, end, size, whole: end >= size || read[length - 1] === 0x0a };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The length up to the last line feed; without one, up to the last character that is whole. */
function cutAtLine(bytes: Buffer): number {
  const line = bytes.lastIndexOf(0x0a) + 1;
  if (line > 0) return line;
  for (let at = bytes.length - 1; at > 0 && at > bytes.length - 4; at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return at + characterBytes(byte) > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}

function characterBytes(first: number): number {
  return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

/** The name comes from a list that may have been changed, or from a page's address. */
function patchPath(attemptFolder: string, file: string): string {
  const path = `${attemptFolder}/diffs/${file}`;
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*\.patch$/.test(file)) return path;
  throw new DiffViewError('unreadable', `${JSON.stringify(file.slice(0, 100))} is no name of a saved patch`);
}

async function readWhole(volumes: string, path: string): Promise<Buffer> {
  try {
    await using file = await openRegularFile(join(volumes, path), volumes);
    const { size } = await file.stat();
    if (size > indexBytes)
      throw new DiffViewError('changed', `${path} has ${size} bytes, more than the ${indexBytes} that it can have`);
    return await file.readFile();
  } catch (cause) {
    throw cause instanceof DiffViewError ? cause : unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): DiffViewError {
  return new DiffViewError('unreadable', `${path} cannot be read: ${messageOf(cause)}`, { cause });
}

function mismatch(path: string, expected: string, found: string): DiffViewError {
  return new DiffViewError(
    'changed',
    [`${path} was changed after it was saved.`, `  saved:     ${expected}`, `  found now: ${found}`].join('\n'),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
