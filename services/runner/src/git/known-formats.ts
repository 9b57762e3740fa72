import { join } from 'node:path';
import { lookAt, racyMs } from '@countersign/kit/files.ts';
import type { Found } from './repository.ts';

const mostKnown = 1_000;

/** What git looks at to tell whether a folder is a repository of its own, and how it names its objects. */
const folders = ['', '.git', '.git/objects', '.git/refs'];
const files = ['.git/HEAD', '.git/config', '.git/config.worktree', '.git/commondir'];

type Known = { readonly stamp: string; readonly format: string };

/**
 * Remembers what git said of repositories, as long as nothing has changed that it goes by: to ask anew takes longer than all
 * else that is looked at before a task begins.
 */
export class KnownFormats {
  readonly #known = new Map<string, Known>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** What `ask` answered when it was asked last, or answers now. Only what it found is remembered, never why it did not. */
  async of(folder: string, ask: () => Promise<Found<string>>): Promise<Found<string>> {
    const before = await stampOf(folder);
    const known = this.#known.get(folder);
    if (known !== undefined && known.stamp === before.stamp) return { ok: true, value: known.format };
    const answer = await ask();
    const isSettled = this.#now() - before.changedMs > racyMs && (await stampOf(folder)).stamp === before.stamp;
    if (!answer.ok || !isSettled) this.#known.delete(folder);
    else {
      if (this.#known.size >= mostKnown) this.#known.clear();
      this.#known.set(folder, { stamp: before.stamp, format: answer.value });
    }
    return answer;
  }
}

/** What lies there, and since when. Folders by what they are: their times change with whatever is put into them. */
async function stampOf(folder: string): Promise<{ readonly stamp: string; readonly changedMs: number }> {
  const look = (names: readonly string[]) => Promise.all(names.map((name) => lookAt(join(folder, name))));
  const [ofFolders, ofFiles] = await Promise.all([look(folders), look(files)]);
  const stamps = [
    ...ofFolders.map((stats) => stats && `${stats.dev}:${stats.ino}:${stats.mode}:${stats.uid}`),
    ...ofFiles.map((stats) => stats && `${stats.dev}:${stats.ino}:${stats.mode}:${stats.size}:${stats.ctimeNs}`),
  ];
  return { stamp: stamps.join(' '), changedMs: Math.max(...ofFiles.map((stats) => Number(stats?.ctimeMs ?? 0n))) };
}
