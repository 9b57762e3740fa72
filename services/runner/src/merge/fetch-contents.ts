import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { open, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { resultLimits } from '@countersign/contracts/limits.ts';
import { syncFolder } from '@countersign/kit/files.ts';
import { readBatchOutput } from './batch-output.ts';
import { blobHash } from './blob.ts';
import type { Change, Side } from './changes.ts';
import type { MergeTarget } from './merge-target.ts';
import { storeFolder } from './store.ts';
import { type View, viewGit } from './view.ts';

/** What Linux lets a link's target have, in bytes. */
const maximumLinkBytes = 4_096;

/**
 * Writes the new content of every change to `new/<n>` in the store, with its mode, durably. It comes straight from the objects,
 * by way of one file, so that no more than a piece of it is in memory at a time.
 * @throws GitError, and the file system's errors
 */
export async function fetchContents(target: MergeTarget, view: View, changes: readonly Change[]): Promise<void> {
  const wanted = changes.flatMap(({ new: side }, index) => (side === null ? [] : [{ index, side }]));
  if (wanted.length === 0) return;
  const all = join(storeFolder(target), 'contents');
  await viewGit(view, ['cat-file', '--batch', '--buffer'], {
    input: Buffer.from(wanted.map(({ side }) => `${side.oid}\n`).join('')),
    outputPath: all,
    maxBytes: 2 * resultLimits.unpackedBytes,
  });
  const output = readBatchOutput(createReadStream(all, { highWaterMark: 1024 * 1024 }));
  for (const { index, side } of wanted) {
    const [oid, type, size] = (await output.line()).split(' ');
    assert(oid === side.oid && type === 'blob', 'git prints the blobs in the order asked');
    await writeSide(join(storeFolder(target), 'new', `${index}`), side, output.bytes(Number(size)), Number(size));
    assert((await output.line()) === '', 'a line feed follows a blob');
  }
  await rm(all);
  await syncFolder(join(storeFolder(target), 'new'));
}

async function writeSide(path: string, side: Side, content: AsyncGenerator<Buffer>, size: number): Promise<void> {
  const hash = blobHash(side.oid, size);
  if (side.mode === '120000') {
    assert(size <= maximumLinkBytes, 'the target of a link is short');
    const pieces: Buffer[] = [];
    for await (const piece of content) pieces.push(piece);
    const text = Buffer.concat(pieces);
    hash.update(text);
    await symlink(text, path);
  } else {
    await using file = await open(path, 'wx', side.mode === '100755' ? 0o777 : 0o666);
    for await (const piece of content) {
      hash.update(piece);
      await file.writeFile(piece);
    }
    await file.sync();
  }
  assert(hash.digest('hex') === side.oid, 'the content is the one that its name says');
}
