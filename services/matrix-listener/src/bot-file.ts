import { MatrixBotEnv } from '@countersign/contracts/config/matrix.ts';
import { readEnvConfig } from '@countersign/kit/config-file.ts';
import { writtenAt } from '@countersign/kit/written-at.ts';

/** Where the bot's token is, in the listener's folder of secrets. */
export const botFileName = 'matrix-bot.env';
/** The same, for the operator. */
export const botFile = `secrets/matrix-listener/${botFileName}`;

/** A token, and when the file was written that it was read from. */
export type Access = { readonly token: string; readonly writtenAt: string };

/** What the bot's file holds. @throws ConfigError */
export async function readBotFile(path: string): Promise<{ readonly bot: MatrixBotEnv; readonly access: Access }> {
  // Before the content: a file that is replaced in between is then taken for the older one, and read once more.
  const at = await writtenAt(path);
  const bot = await readEnvConfig(path, MatrixBotEnv);
  return { bot, access: { token: bot.MATRIX_BOT_TOKEN, writtenAt: at } };
}
