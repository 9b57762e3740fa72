import type { Logger } from '@countersign/kit/logger.ts';
import { watch } from 'chokidar';

/**
 * Calls `wake` whenever something may have changed in one of the folders. Only a hint: events get lost on some hosts, so the
 * periodic rescan is the truth, and a watch that fails is logged and done without.
 */
export function watchFolders(folders: readonly string[], wake: () => void, logger: Logger): AsyncDisposable {
  const watcher = watch([...folders], { depth: 0, ignoreInitial: true, followSymlinks: false, usePolling: false });
  watcher.on('all', () => wake());
  watcher.on('error', (error) => logger.warn({ error: String(error) }, 'watching a folder failed; the rescan goes on'));
  return { [Symbol.asyncDispose]: () => watcher.close() };
}
