import { chmod, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { isMissing } from './files.ts';

/**
 * Serves HTTP on a unix socket in a named volume. A stale socket of a killed predecessor is replaced.
 * @param mode permission bits of the socket; who may connect is decided by them and by the folder
 */
export async function listenOnSocket(handler: RequestListener, path: string, mode: number): Promise<Server> {
  await unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000 }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, mode);
  return server;
}

/** Stops accepting, ends what is open, and waits for the end. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
