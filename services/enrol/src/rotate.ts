import { join } from 'node:path';
import type { MatrixBotEnv } from '@countersign/contracts/config/matrix.ts';
import { ExclusiveLock } from '@countersign/kit/exclusive-lock.ts';
import { awaitListener } from './await-listener.ts';
import { EnrolError, type Report } from './enrol-error.ts';
import type { RotateConfig } from './rotate-config.ts';
import { embeddedWay, ownWay } from './rotate-ways.ts';
import { SecretFiles, type WriteFile } from './secret-files.ts';
import { endSession } from './users.ts';

export type Rotation = {
  readonly bot: string;
  readonly listener: 'uses-it' | 'not-running' | 'not-waited-for';
  /** How many sessions of the bot's ended by it. */
  readonly ended: number;
};

/**
 * Gives the listener another token of the bot's, and ends every session of before. It may be cut off anywhere and run again: a token is
 * noted as superseded before another is written in its place, and the note goes when its session has ended.
 * @param given the token, of a homeserver of the operator's; null: the bot of the stack's own Synapse is logged in
 * @param isPatient false: the listener is not waited for
 * @param write an override for tests of a death between two files
 * @throws EnrolError, ConfigError
 */
export async function rotate(
  config: RotateConfig,
  given: string | null,
  isPatient: boolean,
  report: Report,
  write?: WriteFile,
): Promise<Rotation> {
  const attempt = await ExclusiveLock.take(join(config.secrets, 'rotation.lock'));
  if (!attempt.ok) throw new EnrolError('Another rotation of the token is under way: wait for its end.');
  await using _lock = attempt.lock;
  const files = new SecretFiles(config, write);
  const way = given === null ? embeddedWay(config, files) : ownWay(config, files, given);
  const before = await way.bot();
  if (before === null)
    throw new EnrolError('There is no token yet: secrets/matrix-listener/matrix-bot.env is missing. Run scripts/up.');
  const noted = await files.superseded();
  const token = await way.enter(before, noted);
  report(`${before.MATRIX_BOT_USER} has another token`);
  const superseded = await replace(files, before, token, noted);
  report('the listener has it in its file');
  const listener = isPatient ? await awaitListener(config.listenerLogs, () => files.botWrittenAt()) : 'not-waited-for';
  report(words[listener]);
  if ((await way.bot())?.MATRIX_BOT_TOKEN !== token)
    throw new EnrolError(
      'Somebody has written matrix-bot.env meanwhile: run scripts/countersign rotate-bot-token again.',
    );
  let ended = 0;
  for (const old of superseded) if (await endSession(way.homeserver, old)) ended += 1;
  ended += await way.endOthers(token);
  await files.writeSuperseded([]);
  report(`sessions that were ended: ${ended}`);
  return { bot: before.MATRIX_BOT_USER, listener, ended };
}

const words = {
  'uses-it': 'the listener uses it',
  'not-running': 'the listener does not run: it will use it when it starts',
  'not-waited-for': 'the listener is not waited for',
} as const;

/** The tokens whose sessions are to end. */
async function replace(
  files: SecretFiles,
  before: MatrixBotEnv,
  token: string,
  noted: readonly string[],
): Promise<readonly string[]> {
  const superseded = [...new Set([...noted, before.MATRIX_BOT_TOKEN])].filter((old) => old !== token);
  await files.writeSuperseded(superseded);
  if (token !== before.MATRIX_BOT_TOKEN) await files.writeBot({ ...before, MATRIX_BOT_TOKEN: token });
  return superseded;
}
