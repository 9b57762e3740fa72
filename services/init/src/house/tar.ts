import { once } from 'node:events';
import { Readable } from 'node:stream';
import { createZstdCompress, createZstdDecompress, constants as zlib } from 'node:zlib';
import { extract, type Pack, pack } from 'tar-stream';
import { HouseError } from './house-error.ts';
import { type Member, memberOf, Order } from './member.ts';
import { contentOf, type Found } from './walk.ts';

const zstdLevel = 3;
const types = { folder: 'directory', file: 'file', link: 'symlink' } as const;

/** @yields a compressed tar of everything found */
export async function* packTar(found: AsyncIterable<Found>): AsyncGenerator<Buffer> {
  const tar = pack();
  const fed = feed(tar, found).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  const compressed = Readable.from(tar).compose(
    createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: zstdLevel } }),
  );
  for await (const part of compressed) yield part;
  await fed;
}

async function feed(tar: Pack, found: AsyncIterable<Found>): Promise<void> {
  for await (const one of found) {
    const { member } = one;
    const done = Promise.withResolvers<void>();
    const entry = tar.entry(
      {
        name: member.name,
        type: types[member.kind],
        mode: member.mode,
        mtime: member.changedAt,
        ...(member.kind === 'file' ? { size: member.size } : {}),
        ...(member.kind === 'link' ? { linkname: member.target } : {}),
      },
      (error) => (error == null ? done.resolve() : done.reject(error)),
    );
    if (member.kind === 'file') {
      for await (const part of contentOf(one)) if (!entry.write(part)) await once(entry, 'drain');
      entry.end(null);
    }
    await done.promise;
  }
  tar.finalize();
}

/** A member as it comes out of an archive; its content is to be read before the next one. */
export type Arriving = { readonly member: Member; readonly content: AsyncIterable<Uint8Array> };

/**
 * The members of a compressed tar, each as it was checked by itself and in its order. Whoever wrote it may mean harm.
 * @throws HouseError
 */
export async function* unpackTar(content: AsyncIterable<Uint8Array>): AsyncGenerator<Arriving> {
  const order = new Order();
  const tar = extract();
  const plain = Readable.from(content).compose(createZstdDecompress());
  // Of the two streams the first to fail says why.
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  plain.on('error', (error) => {
    failed.reject(error);
    tar.destroy(error);
  });
  plain.pipe(tar as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of tar) {
      const member = memberOf(entry.header);
      order.next(member);
      yield { member, content: bytesOf(entry) };
    }
    if (plain.errored !== null) throw plain.errored;
  } catch (error) {
    if (error instanceof HouseError) throw error;
    throw new HouseError(
      `What the archive holds cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      {
        cause: error,
      },
    );
  } finally {
    plain.destroy();
    tar.destroy();
  }
}

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const part of entry) if (part instanceof Uint8Array) yield part;
}
