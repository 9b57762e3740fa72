import type { EnrolConfig } from './config.ts';
import { EnrolError, type Report } from './enrol-error.ts';
import { Homeserver } from './homeserver.ts';
import { botDevice, botName, botUser, enrolDevice, operatorName, operatorUser } from './names.ts';
import { makePassword } from './password.ts';
import { areBothIn, ensureRoom } from './room.ts';
import { botPasswordPlace, type OperatorFile, SecretFiles } from './secret-files.ts';
import { endOtherSessions, isTokenOf, login, logout, lostPassword, register } from './users.ts';

/**
 * Makes the bot, the operator and their room on the stack's own Synapse, and writes down how the listener and the operator get
 * in. Every step finds out what an earlier run has done: it may be cut off anywhere and run again. Where everything stands,
 * nobody is logged in, so that it does not matter whether the operator has another password by now.
 * @throws EnrolError, ConfigError
 */
export async function enrol(config: EnrolConfig, report: Report): Promise<void> {
  const files = new SecretFiles(config);
  const homeserver = new Homeserver(config.homeserver);
  const [bot, operator] = [await files.bot(), await files.operator()];
  // On disk before any user has it: a run that is cut off must not leave a user whose password nobody knows.
  const draft: OperatorFile = {
    MATRIX_USER: operatorUser,
    MATRIX_PASSWORD: makePassword(),
    ...operator,
    MATRIX_HOMESERVER: config.clientUrl,
  };
  if (operator?.MATRIX_HOMESERVER !== config.clientUrl) await files.writeOperator(draft);

  const kept =
    bot !== null && (await isTokenOf(homeserver, bot.MATRIX_BOT_TOKEN, botUser)) ? bot.MATRIX_BOT_TOKEN : null;
  const token = kept ?? (await enterBot(homeserver, files, report));
  const known = operator?.MATRIX_ROOM_ID ?? null;
  const stands = known !== null && (await areBothIn(homeserver, known, token));
  const room = stands ? known : await openRoom(homeserver, files, draft, token, report);
  if (!stands && !(await areBothIn(homeserver, room, token)))
    throw new EnrolError(`${operatorUser} and ${botUser} are not both in ${room}: run scripts/up again.`);

  if (bot?.MATRIX_BOT_TOKEN !== token || bot.MATRIX_ROOM_ID !== room)
    await files.writeBot({ MATRIX_BOT_USER: botUser, MATRIX_BOT_TOKEN: token, MATRIX_ROOM_ID: room });
  if (known !== room) await files.writeOperator({ ...draft, MATRIX_ROOM_ID: room });
  report(`${operatorUser} and ${botUser} are in ${room}`);
}

/** The bot's one session; the bot is made when there is none. Who had another token of it, has nothing any more. */
async function enterBot(homeserver: Homeserver, files: SecretFiles, report: Report): Promise<string> {
  const password = await files.botPassword();
  if (await register(homeserver, await files.registrationSecret(), botName, password)) report(`made: ${botUser}`);
  const token = await login(homeserver, botUser, password, botDevice);
  if (token === null) throw new EnrolError(lostPassword(botUser, botPasswordPlace));
  await endOtherSessions(homeserver, token, password);
  report(`logged in: ${botUser}`);
  return token;
}

/** The room with both in it, for which the operator is logged in and out again. */
async function openRoom(
  homeserver: Homeserver,
  files: SecretFiles,
  { MATRIX_PASSWORD: password }: OperatorFile,
  bot: string,
  report: Report,
): Promise<string> {
  if (await register(homeserver, await files.registrationSecret(), operatorName, password))
    report(`made: ${operatorUser}`);
  const session = await login(homeserver, operatorUser, password, enrolDevice);
  if (session === null)
    throw new EnrolError(lostPassword(operatorUser, 'MATRIX_PASSWORD in secrets/enrol/operator.env'));
  try {
    return await ensureRoom(homeserver, session, bot, report);
  } finally {
    await logout(homeserver, session);
  }
}
