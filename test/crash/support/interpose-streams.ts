import type fs from 'node:fs';
import { currentLife, type Life } from './life.ts';
import { perform } from './perform.ts';

type Done<T> = (error: Error | null, value?: T) => void;
type ReadDone = (error: Error | null, count: number | undefined, buffer: Buffer) => void;

/** The streams of `node:fs`, whose every call goes through functions that can be given. */
export function interposeStreams(files: typeof fs): void {
  const { createReadStream, createWriteStream } = files;
  files.createReadStream = ((path, options) => {
    const life = currentLife();
    return createReadStream(
      path,
      life === undefined ? options : { ...asObject(options), fs: calls(files, life, path) },
    );
  }) satisfies typeof createReadStream;
  files.createWriteStream = ((path, options) => {
    const life = currentLife();
    return createWriteStream(
      path,
      life === undefined ? options : { ...asObject(options), fs: calls(files, life, path) },
    );
  }) satisfies typeof createWriteStream;
}

function asObject<T>(options: T | BufferEncoding | undefined): T | object {
  return typeof options === 'object' && options !== null ? options : {};
}

function calls(files: typeof fs, life: Life, path: fs.PathLike) {
  const step = <T>(name: string, changes: boolean, start: (done: Done<T>) => void, done: Done<T>) => {
    const act = () =>
      new Promise<T>((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value as T))));
    perform(life, { name, path: String(path), changes, act }).then(
      (value) => done(null, value),
      (error: Error) => done(error),
    );
  };
  return {
    open: (name: fs.PathLike, flags: string, mode: number, done: Done<number>) =>
      step(
        flags === 'r' ? 'open' : 'create',
        flags !== 'r',
        (opened: Done<number>) =>
          files.open(name, flags, mode, (error, descriptor) => {
            if (!error) life.ownDescriptor(descriptor, () => files.closeSync(descriptor));
            opened(error, descriptor);
          }),
        done,
      ),
    read: (...args: [number, Buffer, number, number, number | null, ReadDone]) => {
      const [descriptor, buffer, offset, length, position, done] = args;
      const read = (read: Done<number>) => files.read(descriptor, buffer, offset, length, position, read);
      step('read', false, read, (error, count) => done(error, count, buffer));
    },
    write: (...args: [number, Buffer, number, number, number | null, Done<number>]) => {
      const [descriptor, buffer, offset, length, position, done] = args;
      const write = (written: Done<number>) => files.write(descriptor, buffer, offset, length, position, written);
      step('write', true, write, done);
    },
    close: (descriptor: number, done: Done<void>) =>
      step(
        'close',
        false,
        (closed: Done<void>) => {
          life.disownDescriptor(descriptor);
          files.close(descriptor, (error) => closed(error ?? null));
        },
        done,
      ),
  };
}
