import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

type Entry = { readonly inode: string; readonly isFolder: boolean };
/** What is certainly on the disk of a file, or of a folder. */
type Known = { readonly bytes: Buffer } | { readonly entries: ReadonlyMap<string, Entry> };

type Rename = {
  readonly source: string;
  readonly from: string;
  readonly target: string;
  readonly to: string;
  readonly inode: string;
};

/**
 * What a machine that loses power has on its disk: of a file the bytes that it had when it was last synced, of a folder the names
 * that it had when that was last synced, and of everything since then as much as happens to be. Only what the runner itself
 * writes below these folders is lost; what people and git did elsewhere is taken to be safe, which makes it harder.
 */
export class PowerCut {
  readonly #roots: readonly string[];
  readonly #known = new Map<string, Known>();
  /** From folder to folder, none of which was synced since. */
  #renames: Rename[] = [];

  constructor(roots: readonly string[]) {
    this.#roots = roots;
    for (const root of roots) this.#keepAll(root);
  }

  /** A file or folder has been synced: what it holds now is safe. */
  synced(path: string): void {
    if (!this.#has(path)) return;
    this.#keep(path);
    this.#settle(inodeOf(path));
  }

  /** A rename is durable in both folders or in neither: every file system with a journal keeps to that. */
  renamed(from: string, to: string): void {
    const [source, target] = [dirname(from), dirname(to)];
    if (source === target || !this.#has(source) || !this.#has(target)) return;
    this.#renames.push({
      source: inodeOf(source),
      from: basename(from),
      target: inodeOf(target),
      to: basename(to),
      inode: inodeOf(to),
    });
  }

  /** Makes those durable that a folder is a part of. */
  #settle(folder: string): void {
    for (const rename of this.#renames.filter(({ source, target }) => source === folder || target === folder))
      this.#apply(rename);
    this.#renames = this.#renames.filter(({ source, target }) => source !== folder && target !== folder);
  }

  #apply({ source, from, target, to, inode }: Rename): void {
    const [left, right] = [this.#known.get(source), this.#known.get(target)];
    if (left === undefined || right === undefined || !('entries' in left && 'entries' in right)) return;
    const rest = [...left.entries].filter(([name, entry]) => name !== from || entry.inode !== inode);
    this.#known.set(source, { entries: new Map(rest) });
    this.#known.set(target, { entries: new Map([...right.entries, [to, { inode, isFolder: false }]]) });
  }

  /** Somebody else has put a file there, and synced it and its name. */
  put(path: string): void {
    const found = look(path);
    const folder = this.#known.get(inodeOf(dirname(path)));
    if (found === null || folder === undefined || !('entries' in folder)) return;
    this.#known.set(found.inode, found.known);
    const entry = { inode: found.inode, isFolder: false };
    this.#known.set(inodeOf(dirname(path)), { entries: new Map([...folder.entries, [basename(path), entry]]) });
  }

  /** Makes the folders what they may be after a cut. @param chance null for the least that can be left, else numbers from 0 to 1 */
  cut(chance: (() => number) | null): void {
    // Of the renames a first few.
    for (const rename of this.#renames) {
      if (chance === null || chance() < 0.5) break;
      this.#apply(rename);
    }
    for (const root of this.#roots) {
      const inode = inodeOf(root);
      const is = new Map<string, Known>();
      if (chance !== null) read(root, is);
      rmSync(root, { recursive: true });
      this.#write(root, inode, is, chance);
    }
  }

  #has(path: string): boolean {
    return this.#roots.some((root) => path === root || path.startsWith(`${root}/`));
  }

  #keepAll(path: string): void {
    if (!this.#keep(path)) return;
    for (const name of readdirSync(path)) this.#keepAll(join(path, name));
  }

  /** Returns whether it is a folder. */
  #keep(path: string): boolean {
    const found = look(path);
    if (found === null) return false;
    this.#known.set(found.inode, found.known);
    return 'entries' in found.known;
  }

  #write(path: string, inode: string, is: ReadonlyMap<string, Known>, chance: (() => number) | null): void {
    const known = this.#known.get(inode);
    const now = is.get(inode);
    const pick = <T>(safe: T, current: T): T => (chance !== null && chance() < 0.5 ? current : safe);
    if ((known ?? now) !== undefined && 'bytes' in ((known ?? now) as Known)) {
      const safe = known !== undefined && 'bytes' in known ? known.bytes : Buffer.alloc(0);
      writeFileSync(path, pick(safe, now !== undefined && 'bytes' in now ? now.bytes : safe), { mode: 0o640 });
      return;
    }
    mkdirSync(path, { recursive: true });
    const safe = known !== undefined && 'entries' in known ? known.entries : new Map<string, Entry>();
    const current = now !== undefined && 'entries' in now ? now.entries : safe;
    for (const name of new Set([...safe.keys(), ...current.keys()])) {
      const isMoved = this.#renames.some(({ source, from, target, to }) =>
        source === inode ? from === name : target === inode && to === name,
      );
      const entry = isMoved ? safe.get(name) : pick(safe.get(name), current.get(name));
      if (entry === undefined) continue;
      if (entry.isFolder || this.#known.has(entry.inode) || is.has(entry.inode))
        this.#write(join(path, name), entry.inode, is, chance);
      else writeFileSync(join(path, name), '', { mode: 0o640 });
    }
  }
}

/** An inode's number is used again; the time of its making tells two apart. */
function inodeOf(path: string): string {
  const { ino, birthtimeNs } = lstatSync(path, { bigint: true });
  return `${ino} ${birthtimeNs}`;
}

function look(path: string): { readonly inode: string; readonly known: Known } | null {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return null;
  const inode = `${stats.ino} ${stats.birthtimeNs}`;
  if (!stats.isDirectory()) return { inode, known: { bytes: stats.isFile() ? readFileSync(path) : Buffer.alloc(0) } };
  const entries = readdirSync(path, { withFileTypes: true }).map((entry): [string, Entry] => [
    entry.name,
    { inode: inodeOf(join(path, entry.name)), isFolder: entry.isDirectory() },
  ]);
  return { inode, known: { entries: new Map(entries) } };
}

function read(path: string, into: Map<string, Known>): void {
  const found = look(path);
  if (found === null) return;
  into.set(found.inode, found.known);
  if ('entries' in found.known) for (const name of found.known.entries.keys()) read(join(path, name), into);
}
