import { mkdtempSync, rmSync } from 'node:fs';

/** The variable by which all workers know the folder of all houses. */
export const housesFolder = 'COUNTERSIGN_CRASH_FOLDER';

/** Vitest calls this before the first test, and what it returns after the last. */
export function setup(): () => void {
  // Near the root: the sockets of slots lie in it, and their paths have a limit.
  const folder = mkdtempSync('/tmp/crash-');
  process.env[housesFolder] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
