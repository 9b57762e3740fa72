import { BareOrigin } from '@countersign/contracts/config/env.ts';
import { readEnvironment } from '@countersign/kit/config-file.ts';
import { z } from 'zod';

const Settings = z.strictObject({
  ENROL_HOMESERVER: BareOrigin.default('http://synapse:8008'),
  /** The same server as the host sees it, for the operator's clients. */
  ENROL_CLIENT_URL: BareOrigin,
  ENROL_SECRETS: z.string().default('/secrets'),
  ENROL_LISTENER_SECRETS: z.string().default('/listener-secrets'),
});

export type EnrolConfig = {
  readonly homeserver: string;
  readonly clientUrl: string;
  /** The folder of the registration secret, of the bot's password and of `operator.env`. */
  readonly secrets: string;
  /** The folder of `matrix-bot.env`. */
  readonly listenerSecrets: string;
};

/** @throws ConfigError */
export function readEnrolConfig(environment: NodeJS.ProcessEnv): EnrolConfig {
  const settings = readEnvironment(environment, 'ENROL_', Settings);
  return {
    homeserver: settings.ENROL_HOMESERVER,
    clientUrl: settings.ENROL_CLIENT_URL,
    secrets: settings.ENROL_SECRETS,
    listenerSecrets: settings.ENROL_LISTENER_SECRETS,
  };
}
