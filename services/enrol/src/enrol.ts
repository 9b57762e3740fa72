import type { EnrolConfig } from './config.ts';
import { EnrolError, type Report } from './enrol-error.ts';
import { Homeserver } from './homeserver.ts';
import { botDevice, botName, botUser, enrolDevice, operatorName, operatorUser } from './names.ts';
import { makePassword } from './password.ts';
import { quietFiles } from './quiet-files.ts';
import { areBothIn, ensureRoom } from './room.ts';
import { botPasswordPlace, type OperatorFile, SecretFiles } from './secret-files.ts';
import { endEverySession, isTokenOf, login, logout, lostPassword, register } from './users.ts';

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
  const room = stands
    ? known
    : await asOperator(homeserver, files, draft, report, async (session) => {
        const opened = await ensureRoom(homeserver, session, token, report);
        await quiet(homeserver, files, session, opened, report);
        return opened;
      });
  if (!stands && !(await areBothIn(homeserver, room, token)))
    throw new EnrolError(`${operatorUser} and ${botUser} are not both in ${room}: run scripts/up again.`);

  if (bot?.MATRIX_BOT_TOKEN !== token || bot.MATRIX_ROOM_ID !== room)
    await files.writeBot({ MATRIX_BOT_USER: botUser, MATRIX_BOT_TOKEN: token, MATRIX_ROOM_ID: room });
  if (known !== room) await files.writeOperator({ ...draft, MATRIX_ROOM_ID: room });
  if (stands && (await files.quietRoom()) !== room) await quietLater(homeserver, files, draft, room, report);
  report(`${operatorUser} and ${botUser} are in ${room}`);
}

async function quiet(
  homeserver: Homeserver,
  files: SecretFiles,
  session: string,
  room: string,
  report: Report,
): Promise<void> {
  if (await quietFiles(homeserver, session, room, report)) await files.writeQuietRoom(room);
}

/** For a room that an earlier version made. That it cannot be done, as with another password by now, hinders nothing. */
async function quietLater(
  homeserver: Homeserver,
  files: SecretFiles,
  operator: OperatorFile,
  room: string,
  report: Report,
): Promise<void> {
  try {
    await asOperator(homeserver, files, operator, report, (session) => quiet(homeserver, files, session, room, report));
  } catch (error) {
    if (!(error instanceof EnrolError)) throw error;
    report(`files in the room ring like messages: ${error.message}`);
  }
}

/**
 * The bot's one session; the bot is made when there is none. Who had another token of it has nothing any more: a login under the
 * same device's name leaves the tokens of before as they were, so all of them are ended, and the one that ended them too.
 */
async function enterBot(homeserver: Homeserver, files: SecretFiles, report: Report): Promise<string> {
  const password = await files.botPassword();
  if (await register(homeserver, await files.registrationSecret(), botName, password)) report(`made: ${botUser}`);
  const enter = async () => {
    const token = await login(homeserver, botUser, password, botDevice);
    if (token === null) throw new EnrolError(lostPassword(botUser, botPasswordPlace));
    return token;
  };
  await endEverySession(homeserver, await enter());
  const token = await enter();
  report(`logged in: ${botUser}`);
  return token;
}

/** Does what takes the operator, who is logged in and out again for it. */
async function asOperator<Result>(
  homeserver: Homeserver,
  files: SecretFiles,
  { MATRIX_PASSWORD: password }: OperatorFile,
  report: Report,
  act: (session: string) => Promise<Result>,
): Promise<Result> {
  if (await register(homeserver, await files.registrationSecret(), operatorName, password))
    report(`made: ${operatorUser}`);
  const session = await login(homeserver, operatorUser, password, enrolDevice);
  if (session === null)
    throw new EnrolError(lostPassword(operatorUser, 'MATRIX_PASSWORD in secrets/enrol/operator.env'));
  try {
    return await act(session);
  } finally {
    await logout(homeserver, session);
  }
}
