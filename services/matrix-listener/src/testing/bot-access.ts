import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Access } from '../bot-file.ts';
import { botFileName } from '../bot-file.ts';
import { BotToken } from '../bot-token.ts';
import { Troubles } from '../troubles.ts';
import { keptLog } from './kept-log.ts';
import { bot, room } from './room-events.ts';
import { scratchFolder } from './scratch.ts';

/** Puts a token where the listener reads it, as a rotation does. @param change to the lines of the file */
export async function writeBotFile(
  secrets: string,
  token: string,
  change: (text: string) => string = (text) => text,
  at?: string,
): Promise<void> {
  const text = `MATRIX_BOT_USER=${bot}\nMATRIX_BOT_TOKEN=${token}\nMATRIX_ROOM_ID=${room}\n`;
  const path = join(secrets, botFileName);
  await writeFileAtomic(path, change(text), 0o600);
  if (at !== undefined) utimesSync(path, new Date(), new Date(at));
}

/** The bot's token over a folder of the test's own, in which there is no file yet. */
export function makeBotToken(first: Access, renewed: () => void = () => undefined) {
  const secrets = scratchFolder();
  const troubles = new Troubles();
  const { logger, lines } = keptLog();
  const token = new BotToken({ secrets, bot, room, troubles, logger, renewed }, first);
  return { token, secrets, troubles, lines };
}
