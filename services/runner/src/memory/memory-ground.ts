import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import type { MemoryChange } from './make-changes.ts';

export const now = (): Date => new Date('2026-11-20T10:00:00.000Z');

/** A folder for a memory, and the operator's hands in it; for tests. */
export function memoryGround() {
  const folder = join(scratchFolder(), 'memory');
  return {
    folder,
    write(path: string, text: string | Buffer): void {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    read: (path: string): string => readFileSync(join(folder, path), 'utf8'),
    git: (...args: string[]): string => plainGit(folder, args),
    /** Author and subject of each commit, the newest first. */
    log: (): string[] => plainGit(folder, ['log', '--format=%an: %s']).split('\n'),
    committed: (path: string): string => plainGit(folder, ['show', `HEAD:${path}`]),
    /** What git thinks that somebody has not committed. */
    status: (): string => plainGit(folder, ['status', '--porcelain', '--untracked-files=all']),
  };
}

/** A change that writes one file. */
export function writing(path: string, text: string, message = `write ${path}`): MemoryChange {
  return { message, files: [{ path, edit: () => Buffer.from(text) }] };
}

/** The text of a durable task. */
export function taskText(id: string, status = 'todo', more = '', body = 'Do it.'): string {
  return `---\nid: ${id}\ntitle: "A title: of ${id}"\nstatus: ${status}\n${more}---\n\n${body}\n`;
}
