import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { isMissing } from './files.ts';

/**
 * Serves HTTP on a unix socket in a named volume. A stale socket of a killed predecessor is replaced.
 * @param mode permission bits of the socket; who may connect is decided by them and by the folder
 */
export async function listenOnSocket(handler: RequestListener, path: string, mode: number): Promise<Server> {
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, handler);
  await bindSocket(server, path, mode);
  return server;
}

/** As `listenOnSocket`, for a server that was made with settings of its own. */
export async function bindSocket(server: Server, path: string, mode: number): Promise<void> {
  await removeStaleSocket(path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  await chmod(path, mode);
}

async function removeStaleSocket(path: string): Promise<void> {
  try {
    // Anything but a socket is somebody's file: listening then fails, which says so.
    if ((await lstat(path)).isSocket()) await unlink(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** Stops accepting, ends what is open, and waits for the end. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
