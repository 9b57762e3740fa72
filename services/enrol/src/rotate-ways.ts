import { MatrixBotEnv } from '@countersign/contracts/config/matrix.ts';
import { doorFetch } from './door-fetch.ts';
import { EnrolError } from './enrol-error.ts';
import { Homeserver } from './homeserver.ts';
import { botUser } from './names.ts';
import type { RotateConfig } from './rotate-config.ts';
import { botPasswordPlace, type SecretFiles } from './secret-files.ts';
import { endOtherSessions, login, lostPassword, sessionOf } from './users.ts';

/** How another token is come by, and what is to end with the one before. */
type Way = {
  readonly homeserver: Homeserver;
  readonly bot: () => Promise<MatrixBotEnv | null>;
  /** A token of the bot's, of a session of its own. @param superseded tokens whose sessions an earlier rotation did not come to end */
  readonly enter: (bot: MatrixBotEnv, superseded: readonly string[]) => Promise<string>;
  /** Ends the sessions that nobody has a token of; how many. */
  readonly endOthers: (token: string) => Promise<number>;
};

const again = 'run scripts/countersign rotate-bot-token again';

/** On the stack's own Synapse the bot is logged in with its password, and has one session afterwards. */
export function embeddedWay(config: RotateConfig, files: SecretFiles): Way {
  const away = {
    who: config.homeserver,
    mend: 'Start the stack with scripts/up; its log: docker compose logs synapse.',
  };
  const homeserver = new Homeserver(config.homeserver, { away, again });
  const password = async () => {
    const known = await files.knownBotPassword();
    if (known === null) throw new EnrolError(lostPassword(botUser, botPasswordPlace));
    return known;
  };
  return {
    homeserver,
    bot: () => files.bot(),
    enter: async () => {
      // A device of its own: with the same one the token before would end before the listener has this one.
      const token = await login(homeserver, botUser, await password(), null);
      if (token === null) throw new EnrolError(lostPassword(botUser, botPasswordPlace));
      return token;
    },
    endOthers: async (token) => await endOtherSessions(homeserver, token, await password()),
  };
}

/** At a homeserver of the operator's, who alone can log the bot in there. What goes there takes the gateway's door, as all does. */
export function ownWay(config: RotateConfig, files: SecretFiles, given: string): Way {
  const homeserver = new Homeserver('http://homeserver', {
    name: 'Your homeserver',
    away: { who: 'The gateway', mend: 'Start the stack with scripts/up.' },
    again,
    fetch: doorFetch(config.door),
  });
  return {
    homeserver,
    bot: () => files.anyBot(),
    enter: async ({ MATRIX_BOT_USER: user, MATRIX_BOT_TOKEN: before }, superseded) => {
      if (!MatrixBotEnv.shape.MATRIX_BOT_TOKEN.safeParse(given).success)
        throw new EnrolError('This is no access token, which is one word: copy the token of a new login of the bot.');
      const session = await sessionOf(homeserver, given);
      if (session === null)
        throw new EnrolError(
          'Your homeserver does not know this token: log the bot in once more, and give the new one.',
        );
      if (session.user !== user)
        throw new EnrolError(`This is a token of ${session.user}, and the bot is ${user}: log that one in.`);
      // An earlier rotation came as far as its file: what is left of it is done now.
      if (given === before && superseded.some((old) => old !== given)) return given;
      if (
        given === before ||
        (session.device !== null && session.device === (await sessionOf(homeserver, before))?.device)
      )
        throw new EnrolError(
          'This token is of the session that the listener uses already: log the bot in once more, as another device.',
        );
      return given;
    },
    endOthers: async () => 0,
  };
}
