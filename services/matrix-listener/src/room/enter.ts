import type { MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { Homeserver } from '../adapters/matrix.ts';
import { botFile } from '../bot-file.ts';
import { HomeserverError } from '../homeserver-error.ts';

/** Something that a person has to mend before the listener can work; the message says what. */
export class SetupError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SetupError';
  }
}

/**
 * Makes sure that the token is the bot's, that it is in its room, and that the room can be read.
 * @throws SetupError for what a person has to mend; HomeserverError for what may pass
 */
export async function enterRoom(
  homeserver: Pick<Homeserver, 'whoAmI' | 'isJoined' | 'join' | 'isEncrypted'>,
  bot: MatrixUserId,
  room: MatrixRoomId,
  signal: AbortSignal,
): Promise<void> {
  const user = await homeserver.whoAmI(signal);
  if (user !== bot)
    throw new SetupError(`the token in ${botFile} belongs to another user than MATRIX_BOT_USER ${bot}: mend either`);
  if (!(await homeserver.isJoined(signal))) await join(homeserver, bot, room, signal);
  if (await homeserver.isEncrypted(signal))
    throw new SetupError(`the room ${room} is encrypted, and ${bot} reads only rooms that are not: make another room`);
}

async function join(
  homeserver: Pick<Homeserver, 'join'>,
  bot: MatrixUserId,
  room: MatrixRoomId,
  signal: AbortSignal,
): Promise<void> {
  try {
    await homeserver.join(signal);
  } catch (error) {
    if (!(error instanceof HomeserverError)) throw error;
    if (error.code === 'missing' || error.code === 'refused')
      throw new SetupError(`the homeserver knows no room ${room}: mend MATRIX_ROOM_ID in ${botFile}`, { cause: error });
    if (error.code === 'forbidden')
      throw new SetupError(
        `${bot} is not in the room ${room}, or there is no such room: invite it there, and it joins by itself; or mend MATRIX_ROOM_ID in ${botFile}`,
        { cause: error },
      );
    throw error;
  }
}

/** What is wrong, for people, and whether it takes one to mend it. */
export function troubleOf(error: unknown): { readonly severity: 'failing' | 'waiting'; readonly reason: string } {
  if (error instanceof SetupError) return { severity: 'failing', reason: error.message };
  if (!(error instanceof HomeserverError))
    return { severity: 'waiting', reason: error instanceof Error ? error.message : String(error) };
  switch (error.code) {
    case 'unauthorised':
      return {
        severity: 'failing',
        reason: `the homeserver does not take the bot's token (${error.message}): scripts/countersign rotate-bot-token puts another into ${botFile}`,
      };
    case 'address':
      return { severity: 'failing', reason: error.message };
    case 'forbidden':
    case 'missing':
    case 'refused':
    case 'limited':
    case 'unreachable':
    case 'bad-answer':
      return { severity: 'waiting', reason: `the homeserver: ${error.message}` };
  }
}
