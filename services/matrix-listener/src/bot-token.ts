import { join } from 'node:path';
import type { MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { type Access, botFile, botFileName, readBotFile } from './bot-file.ts';
import { listenerLimits } from './limits.ts';
import { pause } from './pause.ts';
import type { Troubles } from './troubles.ts';

type Parts = {
  /** The folder of `matrix-bot.env`. */
  readonly secrets: string;
  readonly bot: MatrixUserId;
  readonly room: MatrixRoomId;
  readonly troubles: Troubles;
  readonly logger: Logger;
  /** Is told after each change of the token. */
  readonly renewed: () => void;
};

/**
 * The bot's token as its file holds it. Invariant: the token alone changes while the listener runs; a file for another bot or room,
 * or one that cannot be read, changes nothing and is said.
 */
export class BotToken {
  readonly #parts: Parts;
  readonly #path: string;
  #now: Access;
  #accepted: string | null = null;
  #renewed = new AbortController();
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: Parts, first: Access) {
    this.#parts = parts;
    this.#path = join(parts.secrets, botFileName);
    this.#now = first;
  }

  /** What the next request is to bear. */
  get now(): Access {
    return this.#now;
  }

  /** When the file was written whose token the homeserver has taken; null before it took any. */
  get accepted(): string | null {
    return this.#accepted;
  }

  /** Is aborted when the token is another one. */
  get renewed(): AbortSignal {
    return this.#renewed.signal;
  }

  /** The homeserver has taken a request that bore this. */
  accept(access: Access): void {
    if (access.token === this.#now.token) this.#accepted = this.#now.writtenAt;
  }

  /** Reads the file anew. Never rejects. */
  look(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#look());
    return this.#turn;
  }

  /** Looks at the file again and again: a folder that is mounted from another system brings no word of its changes. */
  async follow(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await pause(listenerLimits.tokenLookMs, stop);
      await this.look();
    }
  }

  async #look(): Promise<void> {
    const { troubles, logger, renewed } = this.#parts;
    let read: Access;
    try {
      read = await this.#read();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      troubles.set('token', 'waiting', `${botFile}, which was changed, is not used: ${reason}`);
      return;
    }
    troubles.clear('token');
    const isAnother = read.token !== this.#now.token;
    this.#now = read;
    if (!isAnother) return;
    logger.info({ written_at: read.writtenAt }, 'the bot has another token');
    this.#renewed.abort();
    this.#renewed = new AbortController();
    renewed();
  }

  async #read(): Promise<Access> {
    const { bot, room } = this.#parts;
    const { bot: env, access } = await readBotFile(this.#path);
    if (env.MATRIX_BOT_USER !== bot || env.MATRIX_ROOM_ID !== room)
      throw new Error(
        `it is for ${env.MATRIX_BOT_USER} in ${env.MATRIX_ROOM_ID}; scripts/up starts the listener with it`,
      );
    return access;
  }
}
