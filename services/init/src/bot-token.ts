import { join } from 'node:path';
import type { Owner } from './folder.ts';
import type { Report } from './init-error.ts';
import { protect } from './protect.ts';
import { readRegularFile } from './regular-file.ts';

/**
 * Gives `matrix-bot.env` to the services and closes it to others. With a homeserver of the operator's own it is written by hand,
 * often as root, and the listener could not read it. What stands in it is not looked at here.
 * @throws InitError when it is no file
 */
export async function adoptBotToken(secrets: string, owner: Owner, report: Report): Promise<void> {
  const path = join(secrets, 'matrix-listener', 'matrix-bot.env');
  if ((await readRegularFile(path)) === null) return;
  await protect(path, owner, 0o600);
  report('left alone', path);
}
