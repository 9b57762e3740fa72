import { lstat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { isMissing } from '@countersign/kit/files.ts';
import { bindSocket, closeServer } from '@countersign/kit/socket-server.ts';

/** The sandbox runs as another user; who may connect is decided by the folder's random name and by what is mounted. */
const socketMode = 0o666;

/** One socket in a slot's folder, and the server behind it. */
export class SlotSocket {
  readonly #path: string;
  readonly #make: () => Server;
  #server: Server | null = null;
  #inode = 0;

  /** @param make a server that does not listen yet; asked again when its socket was lost */
  constructor(path: string, make: () => Server) {
    this.#path = path;
    this.#make = make;
  }

  /** Makes the socket unless it is there and answers. */
  async listen(): Promise<void> {
    if (this.#server?.listening === true && (await statOrNull(this.#path))?.ino === this.#inode) return;
    await this.close();
    const server = this.#make();
    await bindSocket(server, this.#path, socketMode);
    this.#inode = (await lstat(this.#path)).ino;
    this.#server = server;
  }

  /** Ends the requests that are under way, and removes the socket. */
  async close(): Promise<void> {
    if (this.#server !== null) await closeServer(this.#server);
    this.#server = null;
  }
}

/** What lies at a path, itself and not what it may lead to; null where nothing does. */
export async function statOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
