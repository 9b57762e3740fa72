import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { MatrixBotEnv, MatrixOperatorEnv } from '@countersign/contracts/config/matrix.ts';
import { readEnvConfig } from '@countersign/kit/config-file.ts';
import { exists, isMissing, writeFileAtomic } from '@countersign/kit/files.ts';
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

/** The files that `enrol` keeps, in the two folders that it has. */
export class SecretFiles {
  readonly #registration: string;
  readonly #botPassword: string;
  readonly #operator: string;
  readonly #bot: string;

  constructor({ secrets, listenerSecrets }: EnrolConfig) {
    this.#registration = join(secrets, 'registration.secret');
    this.#botPassword = join(secrets, 'bot.password');
    this.#operator = join(secrets, 'operator.env');
    this.#bot = join(listenerSecrets, 'matrix-bot.env');
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
    const bot = await readEnv(this.#bot, MatrixBotEnv);
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

  async writeBot(bot: MatrixBotEnv): Promise<void> {
    await writeFileAtomic(this.#bot, envText('Written by enrol: whom the listener speaks as.', bot), mode);
  }

  async operator(): Promise<OperatorFile | null> {
    return await readEnv(this.#operator, OperatorFile);
  }

  async writeOperator(operator: OperatorFile): Promise<void> {
    const comment =
      'Written by enrol: log in with this in any Matrix client. Change the password here when you change it there.';
    await writeFileAtomic(this.#operator, envText(comment, operator), mode);
  }

  /** The bot's password, made and kept when there is none. */
  async botPassword(): Promise<string> {
    const kept = await readWord(this.#botPassword);
    if (kept !== null) return kept;
    const made = makePassword();
    await writeFileAtomic(this.#botPassword, `${made}\n`, mode);
    return made;
  }
}

/** Null where there is no file. @throws ConfigError */
async function readEnv<Schema extends z.ZodObject>(path: string, schema: Schema): Promise<z.output<Schema> | null> {
  if (!(await exists(path))) return null;
  return await readEnvConfig(path, schema);
}

async function readWord(path: string): Promise<string | null> {
  try {
    const word = (await readFile(path, 'utf8')).trim();
    if (word === '')
      throw new EnrolError(`secrets/enrol/${basename(path)} is empty: remove it, and run scripts/up again.`);
    return word;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
