import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MatrixBotEnv, MatrixOperatorEnv } from '@countersign/contracts/config/matrix.ts';
import { readEnvConfig } from '@countersign/kit/config-file.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { writtenAt } from '@countersign/kit/written-at.ts';
import { z } from 'zod';
import type { EnrolConfig } from './config.ts';
import { EnrolError } from './enrol-error.ts';
import { envText } from './env-text.ts';
import { botUser, operatorUser } from './names.ts';
import { makePassword } from './password.ts';

/** `operator.env` before there is a room: the password must be on disk before a user has it. */
const OperatorFile = MatrixOperatorEnv.extend({ MATRIX_USER: z.literal(operatorUser) }).partial({
  MATRIX_ROOM_ID: true,
});
export type OperatorFile = z.infer<typeof OperatorFile>;

const mode = 0o600;

/** For people. */
export const botPasswordPlace = 'secrets/enrol/bot.password';

/** Replaces a file as a whole. */
export type WriteFile = typeof writeFileAtomic;

/** The files that `enrol` keeps, in the two folders that it has. */
export class SecretFiles {
  readonly #registration: string;
  readonly #botPassword: string;
  readonly #operator: string;
  readonly #bot: string;
  readonly #superseded: string;
  readonly #quiet: string;
  readonly #write: WriteFile;

  constructor(
    { secrets, listenerSecrets }: Pick<EnrolConfig, 'secrets' | 'listenerSecrets'>,
    write: WriteFile = writeFileAtomic,
  ) {
    this.#write = write;
    this.#registration = join(secrets, 'registration.secret');
    this.#botPassword = join(secrets, 'bot.password');
    this.#operator = join(secrets, 'operator.env');
    this.#bot = join(listenerSecrets, 'matrix-bot.env');
    this.#superseded = join(secrets, 'superseded.tokens');
    this.#quiet = join(secrets, 'quiet-files.room');
  }

  /** @throws EnrolError */
  async registrationSecret(): Promise<string> {
    const secret = await readWord(this.#registration);
    if (secret === null) throw new EnrolError('secrets/enrol/registration.secret is missing: scripts/up makes it.');
    return secret;
  }

  /**
   * What the listener was given by an earlier run, or null.
   * @throws EnrolError when it is the token of another homeserver, which was put there by hand and is not written over
   */
  async bot(): Promise<MatrixBotEnv | null> {
    const bot = await this.anyBot();
    if (bot !== null && bot.MATRIX_BOT_USER !== botUser)
      throw new EnrolError(
        [
          `secrets/matrix-listener/matrix-bot.env is for ${bot.MATRIX_BOT_USER}, who is no user of the stack's own Synapse.`,
          'To use your own homeserver, name it as MATRIX_HOMESERVER in configs/hosts.env and start with scripts/up.',
          "To use the stack's own, move matrix-bot.env away and run scripts/up again.",
        ].join('\n'),
      );
    return bot;
  }

  /** The same of whichever homeserver. */
  async anyBot(): Promise<MatrixBotEnv | null> {
    return await readEnv(this.#bot, MatrixBotEnv);
  }

  /** When the listener's file was written. */
  async botWrittenAt(): Promise<string> {
    return await writtenAt(this.#bot);
  }

  async writeBot(bot: MatrixBotEnv): Promise<void> {
    await this.#write(this.#bot, envText('Written by enrol: whom the listener speaks as.', bot), mode);
  }

  async operator(): Promise<OperatorFile | null> {
    return await readEnv(this.#operator, OperatorFile);
  }

  async writeOperator(operator: OperatorFile): Promise<void> {
    const comment =
      'Written by enrol: log in with this in any Matrix client. Change the password here when you change it there.';
    await this.#write(this.#operator, envText(comment, operator), mode);
  }

  /** The room in which files were made quiet for the operator; null before that. */
  async quietRoom(): Promise<string | null> {
    return (await readText(this.#quiet))?.trim() ?? null;
  }

  async writeQuietRoom(room: string): Promise<void> {
    await this.#write(this.#quiet, `${room}\n`, mode);
  }

  /** Tokens in whose place others were written, or are about to be, and whose sessions may not have ended yet. */
  async superseded(): Promise<string[]> {
    return (await readText(this.#superseded))?.split('\n').filter((token) => token !== '') ?? [];
  }

  async writeSuperseded(tokens: readonly string[]): Promise<void> {
    if (tokens.length > 0) return await this.#write(this.#superseded, `${tokens.join('\n')}\n`, mode);
    await rm(this.#superseded, { force: true });
    await syncFolder(dirname(this.#superseded));
  }

  /** The bot's password, where an earlier run made one. */
  async knownBotPassword(): Promise<string | null> {
    return await readWord(this.#botPassword);
  }

  /** The bot's password, made and kept when there is none. */
  async botPassword(): Promise<string> {
    const kept = await readWord(this.#botPassword);
    if (kept !== null) return kept;
    const made = makePassword();
    await this.#write(this.#botPassword, `${made}\n`, mode);
    return made;
  }
}

/** Null where there is no file. @throws ConfigError */
async function readEnv<Schema extends z.ZodObject>(path: string, schema: Schema): Promise<z.output<Schema> | null> {
  if (!(await exists(path))) return null;
  return await readEnvConfig(path, schema);
}

async function readWord(path: string): Promise<string | null> {
  const word = (await readText(path))?.trim();
  if (word === '')
    throw new EnrolError(`secrets/enrol/${basename(path)} is empty: remove it, and run scripts/up again.`);
  return word ?? null;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
