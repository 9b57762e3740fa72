import type fsPromises from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { currentLife, type Life } from './life.ts';
import { type Call, perform } from './perform.ts';

type Files = typeof fsPromises;
type Method = (...args: never[]) => Promise<unknown>;

const changing = [
  'rename',
  'link',
  'symlink',
  'unlink',
  'rm',
  'rmdir',
  'mkdir',
  'chmod',
  'utimes',
  'copyFile',
  'writeFile',
  'appendFile',
  'truncate',
] as const satisfies readonly (keyof Files)[];
const looking = [
  'readFile',
  'readdir',
  'opendir',
  'lstat',
  'stat',
  'realpath',
  'readlink',
  'statfs',
] as const satisfies readonly (keyof Files)[];
const changingHandle = [
  'appendFile',
  'write',
  'writeFile',
  'sync',
  'datasync',
  'truncate',
  'chmod',
] as const satisfies readonly (keyof FileHandle)[];
const lookingHandle = ['read', 'readFile', 'stat'] as const satisfies readonly (keyof FileHandle)[];

const pathOf = new WeakMap<FileHandle, string>();

/** Every call of `node:fs/promises` that product code makes, by path or by an open file. */
export async function interposeFiles(files: Files): Promise<void> {
  const { open } = files;
  const real = { ...files };
  for (const name of [...changing, ...looking]) {
    const method = files[name] as unknown as Method;
    const changes = (changing as readonly string[]).includes(name);
    const replaced = (...args: never[]) => {
      const life = currentLife();
      if (life === undefined) return method.apply(files, args);
      // A rename is known by where it leads to.
      const path = String(name === 'rename' || name === 'link' || name === 'copyFile' ? args[1] : args[0]);
      const act = async () => {
        const done = await method.apply(files, args);
        if (name === 'rename') life.onRenamed(String(args[0]), path);
        return done;
      };
      return perform(life, { name, path, changes, act, ...tearing(real, name, args) });
    };
    Object.assign(files, { [name]: replaced });
  }
  files.open = ((path, flags, mode) => {
    const life = currentLife();
    return life === undefined ? open(path, flags, mode) : openIn(life, () => open(path, flags, mode), path, flags);
  }) satisfies typeof open;
  await interposeHandles(open);
}

async function openIn(
  life: Life,
  act: () => Promise<FileHandle>,
  path: Parameters<Files['open']>[0],
  flags: Parameters<Files['open']>[1],
): Promise<FileHandle> {
  const opening = async () => {
    const handle = await act();
    life.ownHandle(handle);
    pathOf.set(handle, String(path));
    closeIn(life, handle, String(path));
    return handle;
  };
  const makes = typeof flags === 'string' ? /[wa]/.test(flags) : ((flags ?? 0) & 0o1100) !== 0;
  return perform(life, { name: makes ? 'create' : 'open', path: String(path), changes: makes, act: opening });
}

/** Half of the bytes, and half of a folder's entries, where a call is cut off in the middle. */
function tearing(files: Files, name: string, args: readonly unknown[]): Pick<Call<unknown>, 'tear'> {
  const [path, data] = args as [string, unknown];
  if (name === 'writeFile' || name === 'appendFile')
    return { tear: () => files[name](path, half(data), { flush: false }) };
  if (name !== 'rm') return {};
  return {
    tear: async () => {
      const names = await files.readdir(path).catch(() => []);
      for (const entry of names.slice(0, Math.ceil(names.length / 2)))
        await files.rm(`${path}/${entry}`, { recursive: true, force: true });
    },
  };
}

function half(data: unknown): Uint8Array {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data instanceof Uint8Array ? data : Buffer.alloc(0);
  return bytes.subarray(0, Math.floor(bytes.length / 2));
}

async function interposeHandles(open: Files['open']): Promise<void> {
  const some = await open('/dev/null', 'r');
  const prototype = Object.getPrototypeOf(some) as FileHandle;
  await some.close();
  const { appendFile, write, read } = prototype;
  for (const name of [...changingHandle, ...lookingHandle]) {
    const method = prototype[name] as unknown as (this: FileHandle, ...args: unknown[]) => Promise<unknown>;
    const changes = (changingHandle as readonly string[]).includes(name);
    const replaced = function (this: FileHandle, ...args: unknown[]) {
      const life = currentLife();
      if (life === undefined) return method.apply(this, args);
      const path = pathOf.get(this) ?? '?';
      const act = async () => {
        const done = await method.apply(this, args);
        if (name === 'sync' || name === 'datasync') life.onSynced(path);
        return done;
      };
      const call: Call<unknown> = { name, path, changes, act };
      const [data, ...rest] = args as [Buffer, number, number, number | null];
      if (name === 'writeFile' || name === 'appendFile') {
        const tear = () => appendFile.call(this, half(data));
        return perform(life, { ...call, tear, fail: tear });
      }
      if (name === 'write' || name === 'read') {
        const [offset, length, position] = rest;
        const count = Math.ceil((length ?? data.length - (offset ?? 0)) / 2);
        const some = (name === 'write' ? write : read) as unknown as Method;
        const short = () => some.apply(this, [data, offset ?? 0, count, position ?? null] as never[]);
        return perform(life, { ...call, short, ...(name === 'write' ? { tear: short, fail: short } : {}) });
      }
      return perform(life, call);
    };
    Object.assign(prototype, { [name]: replaced });
  }
}

/** A handle's own `close` is no method of its prototype. */
function closeIn(life: Life, handle: FileHandle, path: string): void {
  const { close } = handle;
  handle.close = () => {
    if (currentLife() === undefined) return close();
    const act = async () => {
      life.disownHandle(handle);
      await close();
    };
    return perform(life, { name: 'close', path, changes: false, act, fail: act });
  };
}
